"""The candidates of services that a change touches: started together, and looked at off traffic."""

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
from ostiary.runtime.ports import Replica


@dataclass(frozen=True, slots=True)
class ServiceStages:
    """Starts candidates, and rehearses them around their `journeys`."""

    services: ServiceGroups
    fleet: Fleet
    check: CheckStage
    comparison: Comparison
    journeys: Callable[[Snapshot], Awaitable[Rehearsed]]

    async def start(self, snapshot: Snapshot) -> CandidatesReady:
        """Start the candidates of all services that change, beside each other.

        Raises the first `OstiaryError` where one does not get ready; then none stays behind. That
        is no blame: whoever proposes the same again is not refused for it.
        """
        starts = (self._start(snapshot, service) for service in self.services.changing)
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
        failures = [each for each in outcomes if isinstance(each, BaseException)]
        started = [one for each in outcomes if isinstance(each, list) for one in each]
        if failures:
            await self.fleet.stop(started, routed=False)
            raise failures[0]
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

    async def _start(self, snapshot: Snapshot, service: str) -> list[Replica]:
        seats = range(replicas_of(snapshot, service))
        return await start_beside_users(self.fleet, snapshot, seats, service=service)

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
