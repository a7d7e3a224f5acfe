"""Bringing the services beside identity up, or taking over those of an earlier guard."""

import asyncio
from dataclasses import dataclass

from ostiary.changes.service_change import same_service
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard.fleet import Fleet
from ostiary.guard.patience import journal_failure
from ostiary.guard.plane import DataPlane
from ostiary.guard.seats import seated
from ostiary.guard.specs import replicas_of
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError
from ostiary.runtime.ports import IDENTITY, Replica


@dataclass(frozen=True, slots=True)
class ServiceStart:
    """What happens to other services when a guard starts."""

    plane: DataPlane
    fleet: Fleet
    snapshots: SnapshotStore
    journal: Journal

    def take_over(self, snapshot: Snapshot, found: list[Replica]) -> list[Replica]:
        """Serve what runs and is what the snapshot says; return the replicas that are of no use."""
        groups = {
            service: seated(
                [each for each in found if self._is_of(each, service, snapshot)],
                replicas_of(snapshot, service),
            )
            for service in snapshot.settings["services"]
        }
        self.plane.services.begin(snapshot.id, groups)
        kept = {each.name for group in groups.values() for each in group}
        return [each for each in found if each.name not in kept]

    def hold(self, left: list[Replica], *, replaced: bool) -> None:
        """Keep what an unfinished change has left until it is put away.

        The replicas are those that it has `replaced`, or else its candidates.
        """
        identity = [each for each in left if each.service == IDENTITY]
        others = [each for each in left if each.service != IDENTITY]
        if replaced:
            self.plane.replaced, self.plane.services.replaced = identity, others
        else:
            self.plane.canary, self.plane.services.candidates = identity, others

    async def start(self, snapshot: Snapshot, *, strictly: bool) -> None:
        """Start all replicas of every service that has none; others are filled up later.

        Raises the first error where it is done `strictly`. Otherwise it is journalled and tried
        again later: what was good once must not keep people from signing in.
        """
        services = self.plane.services
        empty = [service for service in services.names if not services.members(service)]
        starts = (self._start(snapshot, service) for service in empty)
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        for outcome in outcomes:
            if outcome is None:
                continue
            if strictly or isinstance(outcome, JournalError):
                raise outcome
            if not isinstance(outcome, (OstiaryError, OSError)):
                raise outcome
            journal_failure(self.journal, "services", outcome)

    async def _start(self, snapshot: Snapshot, service: str) -> None:
        seats = range(replicas_of(snapshot, service))
        replicas = await self.fleet.start(snapshot, seats, service=service)
        self.plane.services.set_members(service, replicas)

    def _is_of(self, replica: Replica, service: str, snapshot: Snapshot) -> bool:
        """Return whether a replica runs just as the snapshot says; unknown ones do not."""
        if replica.service != service:
            return False
        try:
            own = self.snapshots.get(replica.snapshot)
        except OstiaryError:
            return False
        return same_service(own, snapshot, service)
