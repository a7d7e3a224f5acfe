"""Bringing back what dies: Envoys, and replicas of the last good snapshot."""

import asyncio
from dataclasses import dataclass, field

from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard import history as events
from ostiary.guard.fleet import Fleet
from ostiary.guard.plane import DataPlane
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError

_LOOK_SECONDS = 0.2
_RETRY_SECONDS = 2.0
_STEADY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Looks after the edge and the stable group; the canary is the conductor's."""

    plane: DataPlane
    fleet: Fleet
    snapshots: SnapshotStore
    journal: Journal
    known: dict[str, Snapshot] = field(default_factory=dict)
    """Snapshots read before: they never change, and this looks five times a second."""

    async def run(self) -> None:
        """Look for ever. Raises `JournalError` when nothing can be recorded any more."""
        while True:
            pause = _LOOK_SECONDS
            try:
                for pid in await self.plane.restart_dead():
                    self.journal.append(events.ENVOY_RESTARTED, None, {"pid": pid})
                await self._look_after_stable()
            except JournalError:
                raise
            except OstiaryError as error:
                # What cannot be mended now is tried again; the rest of the guard goes on.
                data = {"message": error.message}
                self.journal.append(events.SUPERVISION_FAILED, None, data)
                pause = _RETRY_SECONDS
            await asyncio.sleep(pause)

    async def _look_after_stable(self) -> None:
        plane, fleet = self.plane, self.fleet
        snapshot = self.known.get(plane.last_good) or self.snapshots.get(plane.last_good)
        self.known[snapshot.id] = snapshot
        count = int(snapshot.settings["identity"]["replicas"])
        group = plane.stable
        living = await fleet.drop_dead(group)
        if living and len(living) < len(group) and plane.stable is group:
            # At once: a second opinion must not be asked of a replica that is gone.
            plane.stable = group = living
            await plane.refresh()
        filled = await fleet.fill_up(snapshot, living, count)
        started = [replica for replica in filled if replica not in living]
        if not started:
            fleet.settle_pauses(snapshot, steady_seconds=_STEADY_SECONDS)
        elif plane.stable is group:
            plane.stable = filled
            await plane.refresh()
        else:
            # A promotion has moved the stable group meanwhile; what was started here is spare.
            await fleet.stop(started)
