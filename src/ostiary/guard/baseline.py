"""Which snapshot a guard starts to serve."""

import asyncio
from dataclasses import dataclass
from typing import Any

from ostiary.changes.edge_change import keeps_replicas
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history as events
from ostiary.guard.fleet import SERVICE
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore


@dataclass(frozen=True, slots=True)
class Served:
    """What a guard starts to serve.

    `replicas` is the snapshot that the replicas are started for; `snapshot` differs from it in the
    edge at most.
    """

    snapshot: Snapshot
    replicas: Snapshot


@dataclass(frozen=True, slots=True)
class Baseline:
    """Finds the last good snapshot, or makes the first one.

    `new_edge` is the table `[edge]` of a settings file that was edited while nothing ran; None
    where it is that of the last good snapshot.
    """

    journal: Journal
    releases: ReleaseStore
    snapshots: SnapshotStore
    settings: SnapshotSettings
    new_edge: dict[str, Any] | None

    async def find(self, found: events.History) -> Served:
        """Return the snapshot to serve: the last good one, or the first one ever."""
        promoted = found.promoted_unmarked
        if promoted is not None:
            # An earlier guard had decided; it died before it could write the mark.
            snapshot = self.snapshots.get(promoted.snapshot)
            return self._mark(snapshot, promoted.id, self._kept(snapshot, found))
        if found.last_good is not None:
            last_good = self.snapshots.get(found.last_good)
            if self.new_edge is None:
                return Served(last_good, self.snapshots.get(found.serving or found.last_good))
            settings = {**last_good.settings, "edge": self.new_edge}
            changed = self.snapshots.add(last_good.releases, settings)
            return self._mark(changed, "edge settings at start")
        release = await asyncio.to_thread(self.releases.import_installed)
        first = self.snapshots.add({SERVICE: release.hash}, self.settings.to_snapshot())
        # Nothing can be compared with: the first snapshot is good because there is no other.
        return self._mark(first, "first start")

    def _kept(self, snapshot: Snapshot, found: events.History) -> Snapshot | None:
        """Return the snapshot whose replicas a promoted one has kept, None where it has its own."""
        if found.serving is None:
            return None
        serving = self.snapshots.get(found.serving)
        return serving if keeps_replicas(snapshot, serving) else None

    def _mark(self, snapshot: Snapshot, because: str, replicas: Snapshot | None = None) -> Served:
        served = Served(snapshot, replicas or snapshot)
        data = {"snapshot": snapshot.id, "because": because, "serving": served.replicas.id}
        self.journal.append(events.MARKED_GOOD, snapshot.id, data)
        return served
