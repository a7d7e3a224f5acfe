"""Which snapshot a guard starts to serve."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ostiary.changes.edge_change import keeps_identity
from ostiary.changes.service_change import same_service
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history as events
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import IDENTITY
from ostiary.runtime.releases import ReleaseStore


@dataclass(frozen=True, slots=True)
class Served:
    """What a guard starts to serve.

    `replicas` is the snapshot that the replicas are started for; `snapshot` differs from it in the
    edge at most. `has_new_services` says that other services begin that were never good before.
    """

    snapshot: Snapshot
    replicas: Snapshot
    has_new_services: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """Finds the last good snapshot, or makes the first one.

    `new_edge` is the table `[edge]` of a settings file that was edited while nothing ran; None
    where it is that of the last good snapshot. `services_begin` says that nothing ran and a file
    was given, so that the services in it count, and the content of their releases as it is now.
    """

    journal: Journal
    releases: ReleaseStore
    snapshots: SnapshotStore
    settings: SnapshotSettings
    new_edge: dict[str, Any] | None
    services_begin: bool = False

    async def find(self, found: events.History) -> Served:
        """Return the snapshot to serve: the last good one, or the first one ever."""
        promoted = found.promoted_unmarked
        if promoted is not None:
            # An earlier guard had decided; it died before it could write the mark.
            snapshot = self.snapshots.get(promoted.snapshot)
            return self._mark(snapshot, promoted.id, self._kept(snapshot, found))
        if found.last_good is not None:
            return await self._again(self.snapshots.get(found.last_good), found)
        release = await asyncio.to_thread(self.releases.import_installed)
        releases = {IDENTITY: release.hash, **await asyncio.to_thread(self._service_releases)}
        first = self.snapshots.add(releases, self.settings.to_snapshot())
        # Nothing can be compared with: the first snapshot is good because there is no other.
        return replace(
            self._mark(first, "first start"), has_new_services=bool(self.settings.services)
        )

    async def _again(self, last_good: Snapshot, found: events.History) -> Served:
        """Return the last good snapshot, with what was edited while nothing ran in its place."""
        releases, settings = dict(last_good.releases), dict(last_good.settings)
        if self.services_begin:
            own = await asyncio.to_thread(self._service_releases, last_good)
            releases = {IDENTITY: releases[IDENTITY], **own}
            settings["services"] = self.settings.to_snapshot()["services"]
        if self.new_edge is not None:
            settings["edge"] = self.new_edge
        changed = self.snapshots.add(releases, settings)
        if changed.id == last_good.id:
            serving = self.snapshots.get(found.serving or last_good.id)
            return Served(last_good, serving)
        names = {*settings["services"], *last_good.settings["services"]}
        differ = not all(same_service(changed, last_good, name) for name in names)
        marked = self._mark(changed, "services at start" if differ else "edge settings at start")
        return replace(marked, has_new_services=differ)

    def _service_releases(self, last_good: Snapshot | None = None) -> dict[str, str]:
        """Import the releases of all services that the file has; return their hashes.

        Where the directory is gone, that of the last good snapshot goes on. Raises `UsageError`
        for one that cannot be read and was never good.
        """
        hashes = {}
        for name, service in self.settings.services.items():
            if service.is_run_elsewhere:
                continue
            known = None if last_good is None else last_good.releases.get(name)
            path = Path(service.release or "")
            if known is not None and not path.is_dir():
                hashes[name] = known
            else:
                hashes[name] = self.releases.import_service(path).hash
        return hashes

    def give_up(self, served: Served, because: str) -> None:
        """Take the mark of a snapshot away again whose new services did not get ready."""
        data = {"snapshot": served.snapshot.id, "because": because}
        self.journal.append(events.MARK_TAKEN, served.snapshot.id, data)

    def _kept(self, snapshot: Snapshot, found: events.History) -> Snapshot | None:
        """Return the snapshot whose replicas a promoted one has kept, None where it has its own."""
        if found.serving is None:
            return None
        serving = self.snapshots.get(found.serving)
        return serving if keeps_identity(snapshot, serving) else None

    def _mark(self, snapshot: Snapshot, because: str, replicas: Snapshot | None = None) -> Served:
        served = Served(snapshot, replicas or snapshot)
        data = {"snapshot": snapshot.id, "because": because, "serving": served.replicas.id}
        self.journal.append(events.MARKED_GOOD, snapshot.id, data)
        return served
