"""The candidates of services that a change touches: started in turn, and looked at off traffic."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ostiary.changes.events import CandidatesReady, Rehearsed
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.canary_watch import answers_well
from ostiary.guard.candidate_start import start_beside_users
from ostiary.guard.check_stage import CheckStage, altered_reasons
from ostiary.guard.fleet import Fleet
from ostiary.guard.rehearsal.comparison import Comparison
from ostiary.guard.service_groups import ServiceGroups
from ostiary.guard.specs import memory_max_mib, replicas_of
from ostiary.kernel.errors import OstiaryError
from ostiary.runtime.ports import Replica


@dataclass(frozen=True, slots=True)
class ServiceStages:
    """Starts candidates, and rehearses them around their `journeys`."""

    services: ServiceGroups
    fleet: Fleet
    check: CheckStage
    comparison: Comparison
    journeys: Callable[[Snapshot], Awaitable[Rehearsed]]

    async def start(self, snapshot: Snapshot, wanted: Callable[[], bool]) -> CandidatesReady:
        """Start the candidates of all services that change, one service after the other.

        Raises `OstiaryError` or `OSError` where one does not get ready or none is `wanted` any
        more; then none stays behind. That is no blame: whoever proposes the same again is not
        refused for it.
        """
        started: list[Replica] = []
        try:
            for service in self.services.changing:
                seats = range(replicas_of(snapshot, service))
                started += await start_beside_users(
                    self.fleet, snapshot, seats, service=service, wanted=wanted
                )
        except (OstiaryError, OSError):
            await self.fleet.stop(started, routed=False)
            raise
        self.services.candidates = started
        return CandidatesReady()

    async def rehearse(self, snapshot: Snapshot) -> Rehearsed:
        """Return what journeys found, and what else is seen of the candidates around them."""
        altered = await self._altered(snapshot)
        if altered:
            return Rehearsed(passed=False, failures=altered)
        rehearsed = await self.journeys(snapshot)
        # Looked at in any case: journeys fail because a replica ended, or for want of memory.
        found = (
            *await self._unwell(),
            *self._compared(snapshot),
            *await self._altered(snapshot),
        )
        if found:
            return Rehearsed(passed=False, failures=(*found, *rehearsed.failures))
        return rehearsed

    async def _unwell(self) -> list[Reason]:
        """Return the candidates that ended since they were ready, or are healthy no more."""
        candidates = self.services.candidates
        healthy = await asyncio.gather(*map(answers_well, candidates))
        reasons = []
        for replica, answers in zip(candidates, healthy, strict=True):
            if not self.fleet.alive(replica):
                how = self.fleet.how_it_ended(replica)
                reasons.append(_unavailable(f"Candidate {replica.name} ended: {how}."))
            elif not answers:
                words = f"is no longer answered well at its health path {replica.health}."
                reasons.append(_unavailable(f"Candidate {replica.name} {words}"))
        return reasons

    def _compared(self, snapshot: Snapshot) -> list[Reason]:
        found: list[Reason] = []
        for service in self.services.changing:
            found += self.comparison.objections(
                self.services.candidates_of(service),
                self.services.members(service),
                memory_max_mib(snapshot, service),
            )
        return found

    async def _altered(self, snapshot: Snapshot) -> tuple[Reason, ...]:
        changed = await self.check.altered(snapshot, self.services.changing)
        return altered_reasons(changed)


def _unavailable(text: str) -> Reason:
    return Reason("candidate_unavailable", text)
