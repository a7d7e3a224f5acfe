"""Which releases are kept on disk. Snapshots are small and are always kept: history needs them.

The newest snapshots with a good mark stay startable, so that a rollback never waits for anything
to be found or built. What a change tried lately is kept for those who look for its fault.
"""

from collections.abc import Iterable
from datetime import timedelta

from ostiary.changes.snapshot import SnapshotStore
from ostiary.guard.history import History
from ostiary.guard.threads import in_thread
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal
from ostiary.runtime.release_manifest import imported_at
from ostiary.runtime.releases import ReleaseStore

RELEASE_REMOVED = "release_removed"
STARTABLE_MIN = 2
"""So many snapshots with a good mark are startable whatever the settings say."""

_CHANGES_KEPT = 5
_YOUNG = timedelta(hours=1)
"""A release that was imported this lately may be part of a proposal that is being made."""


def snapshots_needed(found: History, served: Iterable[str], *, kept: int) -> frozenset[str]:
    """Return the snapshots whose releases must stay.

    The newest `kept` good ones, what is served now, all unfinished changes, and the latest few.
    """
    good = found.marks[-max(kept, STARTABLE_MIN) :]
    latest = found.changes[-_CHANGES_KEPT:]
    changes = [*found.unfinished, *latest]
    tried = [name for change in changes for name in (change.snapshot, change.from_snapshot)]
    return frozenset({*good, *served, *tried})


class Retention:
    """Removes releases that nothing needs any more."""

    def __init__(
        self,
        snapshots: SnapshotStore,
        releases: ReleaseStore,
        journal: Journal,
        clock: Clock,
        *,
        kept: int,
    ) -> None:
        self._snapshots = snapshots
        self._releases = releases
        self._journal = journal
        self._clock = clock
        self._kept = kept

    async def tidy(self, found: History, served: Iterable[str]) -> list[str]:
        """Remove what is not needed; return the hashes. Raises `JournalError`.

        Where a snapshot that is needed cannot be read, nothing is removed: it could need anything.
        """
        needed = snapshots_needed(found, served, kept=self._kept)
        removed = await in_thread(lambda: self._remove_all_but(needed))
        for release in removed:
            self._journal.append(RELEASE_REMOVED, release, {})
        return removed

    def _remove_all_but(self, needed: frozenset[str]) -> list[str]:
        try:
            snapshots = [self._snapshots.get(name) for name in needed]
        except OstiaryError:
            return []
        kept = {release for snapshot in snapshots for release in snapshot.releases.values()}
        before = to_unix(self._clock.now()) - _YOUNG.total_seconds()
        return [
            release.hash
            for release in self._releases.list_()
            if release.hash not in kept
            and imported_at(release.directory) < before
            and self._releases.remove(release.hash)
        ]
