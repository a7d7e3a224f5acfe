"""Drift: what stands on disk beside the guard and is not what is served.

Nothing of it takes effect, since replicas run from copies and settings come by proposals; but
somebody edited it, and expects something. So it is told, and journalled once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.changes.configuration import load_configuration
from ostiary.changes.difference import difference
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.journal import Journal
from ostiary.kernel.settings import SettingsError
from ostiary.runtime.releases import ReleaseStore

DRIFT_FOUND = "drift_found"
DRIFT_ENDED = "drift_ended"
_KEYS_SHOWN = 5
_FILES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that differs: `settings`, `release` or `snapshot`, where, and how."""

    what: str
    where: str
    text: str
    keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as it is shown to operators and journalled."""
        return {"what": self.what, "where": self.where, "text": self.text, "keys": list(self.keys)}


class DriftWatch:
    """Compares files with the last good snapshot; `found` is what it saw last."""

    def __init__(
        self,
        config: Path | None,
        last_good: Callable[[], str],
        *,
        snapshots: SnapshotStore,
        releases: ReleaseStore,
        journal: Journal,
    ) -> None:
        self._config = config
        self._last_good = last_good
        self._snapshots = snapshots
        self._releases = releases
        self._journal = journal
        self.found: tuple[Drift, ...] = ()

    async def look(self) -> None:
        """Compare once; what is new or has ended is journalled. Raises `JournalError`."""
        last_good = self._last_good()
        found = await in_thread(lambda: tuple(self._differences(last_good)))
        before, self.found = self.found, found
        for drift in found:
            if drift not in before:
                self._journal.append(DRIFT_FOUND, drift.where, drift.to_json())
        for where in {drift.where for drift in before} - {drift.where for drift in found}:
            self._journal.append(DRIFT_ENDED, where, {})

    def _differences(self, last_good: str) -> Iterator[Drift]:
        try:
            snapshot = self._snapshots.get(last_good)
        except OstiaryError as error:
            yield Drift("snapshot", last_good, error.message)
            return
        yield from self._release(snapshot)
        if self._config is not None:
            yield from self._settings(self._config, snapshot)

    def _release(self, snapshot: Snapshot) -> Iterator[Drift]:
        for service, release in snapshot.releases.items():
            try:
                changed = self._releases.verify(release)
            except UsageError as error:
                yield Drift("release", service, error.message)
                continue
            if changed:
                names = ", ".join(changed[:_FILES_SHOWN])
                text = f"The copy of the release was altered: {names}."
                yield Drift("release", service, text)

    def _settings(self, path: Path, snapshot: Snapshot) -> Iterator[Drift]:
        where = str(path)
        try:
            settings = load_configuration(path).snapshot_settings.to_snapshot()
        except SettingsError as error:
            yield Drift("settings", where, f"It is no settings file any more: {error.problems[0]}")
            return
        except UsageError as error:
            yield Drift("settings", where, error.message)
            return
        edited = Snapshot.of(snapshot.releases, settings)
        keys = tuple(each.key for each in difference(snapshot, edited, {}).settings)
        if keys:
            more = len(keys) - _KEYS_SHOWN
            names = ", ".join(keys[:_KEYS_SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield Drift("settings", where, f"It differs from what is served in {names}.", keys)
