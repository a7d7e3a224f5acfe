"""What differs between two snapshots whose releases are in the store."""

from ostiary.changes.difference import Difference, Files, difference
from ostiary.changes.release_areas import served
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.errors import UsageError
from ostiary.runtime.release_patch import patch
from ostiary.runtime.releases import ReleaseStore


class Differences:
    """Compares snapshots, with the files of their releases where those are still there."""

    def __init__(self, releases: ReleaseStore) -> None:
        self._releases = releases

    def between(self, before: Snapshot, after: Snapshot) -> Difference:
        """Return what differs."""
        files = {
            service: (self._files(before.releases.get(service)), self._files(hash_))
            for service, hash_ in after.releases.items()
            if before.releases.get(service) != hash_
        }
        return difference(before, after, files)

    def patch(self, before: Snapshot, after: Snapshot, *, lines_max: int) -> tuple[str, bool]:
        """Return the releases' differing lines, and whether they were cut at `lines_max`.

        Raises `UsageError` where a release is no longer there.
        """
        parts, cut = [], False
        for service, hash_ in sorted(after.releases.items()):
            old = before.releases.get(service)
            if old is not None and old != hash_:
                text, was_cut = self._patch(old, hash_, lines_max)
                parts.append(text)
                cut = cut or was_cut
        return "\n".join(parts), cut

    def _patch(self, before: str, after: str, lines_max: int) -> tuple[str, bool]:
        old, new = self._releases.files(before), self._releases.files(after)
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        sources = [name for name in names if served(name)]
        old_place, new_place = (self._releases.get(each).directory for each in (before, after))
        return patch(old_place, new_place, sources, lines_max=lines_max)

    def _files(self, release_hash: str | None) -> Files:
        if release_hash is None:
            return {}
        try:
            return self._releases.files(release_hash)
        except UsageError:
            return {}
