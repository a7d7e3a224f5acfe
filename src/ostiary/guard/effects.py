"""Carrying out what the change controller asks for, one small effect per action.

Each effect answers with the event that the controller waits for. Problems that are expected
become events too; only bugs raise.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from ostiary.changes import actions, events
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.terms import Replay
from ostiary.guard import history
from ostiary.guard.candidate_capacity import CandidateCapacity
from ostiary.guard.candidate_start import start_beside_users
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.failed_actions import failure_of
from ostiary.guard.fleet import Fleet
from ostiary.guard.plane import DataPlane
from ostiary.guard.rehearsal.precautions import Launched, Precautions
from ostiary.guard.revocations import Revocations
from ostiary.guard.service_stages import ServiceStages
from ostiary.guard.service_trials import ServiceTrials
from ostiary.guard.specs import replicas_of
from ostiary.guard.trials import Trials
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError

_ENDED_KEPT = 16


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change can do to the world."""

    fleet: Fleet
    plane: DataPlane
    trials: Trials
    check: CheckStage
    journal: Journal
    precautions: Precautions
    revocations: Revocations
    services: ServiceStages
    service_trials: ServiceTrials
    capacity: CandidateCapacity | None = None
    candidates: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while candidates start or stop: a change may end while they are still starting."""

    ended: deque[str] = field(default_factory=lambda: deque(maxlen=_ENDED_KEPT))
    """Changes whose candidates were stopped lately: what has not started yet never will."""

    async def perform(
        self, action: actions.Action, change: str, snapshot: Snapshot
    ) -> events.Event | None:
        """Carry out one action; return the event that answers it, None where none does.

        Raises `JournalError` and what is a bug; every expected problem becomes an event.
        """
        try:
            return await self._perform(action, change, snapshot)
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            return failure_of(action, str(error))
        except ExceptionGroup as group:
            # Journeys run side by side; what one of them may raise comes wrapped.
            expected, bugs = group.split((OstiaryError, OSError))
            if bugs is not None or expected is None:
                raise
            return failure_of(action, str(expected.exceptions[0]))

    async def _perform(  # noqa: C901, PLR0911 - one line for each action
        self, action: actions.Action, change: str, snapshot: Snapshot
    ) -> events.Event | None:
        match action:
            case actions.RunChecks():
                return await self.check.run(action, change, snapshot)
            case actions.StartCandidates():
                return await self._start(change, snapshot)
            case actions.RunRehearsal(replay=replay):
                return await self._rehearse(snapshot, replay)
            case actions.RunJourneys():
                return await self._pinned(snapshot)
            case actions.RunProof(of=of):
                return await self._prove(of)
            case actions.SetShare() | actions.WithdrawCanary() | actions.PromoteSnapshot():
                return await self._edge(action, change, snapshot)
            case actions.StopCandidates():
                return await self._stop_candidates(change)
            case actions.StopReplaced():
                return await self._stop_replaced()
            case actions.MarkGood():
                self._mark(snapshot.id, change)
                return None
            case actions.MarkServed():
                self._mark(self.plane.last_good, change)
                return None
            case actions.RevokeMinted(because=because):
                self.revocations.owe(snapshot.id, because, change=change)
                return None
            case actions.Settle():
                return None

    def _mark(self, snapshot: str, change: str) -> None:
        data = {"snapshot": snapshot, "because": change, "serving": self.plane.serving}
        self.journal.append(history.MARKED_GOOD, snapshot, data)

    async def _start(self, change: str, snapshot: Snapshot) -> events.Event:
        def wanted() -> bool:
            return change not in self.ended

        if self.plane.services.changing:
            async with self.candidates:
                return await self.services.start(snapshot, wanted)
        count = replicas_of(snapshot)

        async def start(launched: Launched) -> None:
            self.plane.canary = await start_beside_users(
                self.fleet, snapshot, range(count), launched, wanted=wanted
            )

        # What last good does wrong afterwards may be the work of the candidates.
        await self.trials.faults.seen()
        async with self.candidates:
            self.plane.canary = []
            return await self.precautions.start(snapshot, start)

    async def _pinned(self, snapshot: Snapshot) -> events.JourneysRun:
        if self.plane.services.changing:
            return await self.service_trials.pinned(snapshot)
        return await self.trials.pinned()

    async def _prove(self, of: Literal["promotion", "rollback"]) -> events.ProofRun:
        if self.plane.services.changing:
            return await self.service_trials.proof(of)
        return await self.trials.proof(of)

    async def _rehearse(self, snapshot: Snapshot, replay: Replay | None) -> events.Rehearsed:
        if self.plane.services.changing:
            return await self.services.rehearse(snapshot)
        return await self.precautions.rehearse(snapshot, partial(self._try, snapshot, replay))

    async def _try(self, snapshot: Snapshot, replay: Replay | None) -> events.Rehearsed:
        if self.capacity is None:
            return await self.trials.rehearse(replay)
        find_out = partial(self.capacity.find_out, snapshot)
        rehearsed = await self.trials.rehearse(replay, meanwhile=find_out)
        objections = self.capacity.objections(snapshot) if rehearsed.passed else ()
        return events.Rehearsed(passed=False, failures=objections) if objections else rehearsed

    async def _edge(
        self,
        action: actions.SetShare | actions.WithdrawCanary | actions.PromoteSnapshot,
        change: str,
        snapshot: Snapshot,
    ) -> events.Event:
        match action:
            case actions.SetShare(share=share, intended=intended):
                await self.plane.set_share(change, snapshot.id, share, intended)
                return events.EdgeApplied(share)
            case actions.WithdrawCanary():
                await self.plane.withdraw()
                return events.CanaryWithdrawn()
            case actions.PromoteSnapshot():
                await self.plane.promote(snapshot.id)
                self.precautions.end()
                return events.SnapshotPromoted()

    async def _stop_candidates(self, change: str) -> events.ReplicasStopped:
        self.ended.append(change)
        self.precautions.end()
        async with self.candidates:
            # Those that were starting meanwhile are watched again.
            self.precautions.end()
            await self.fleet.stop(self.plane.take_candidates())
        return events.ReplicasStopped()

    async def _stop_replaced(self) -> events.ReplicasStopped:
        await self.fleet.stop(self.plane.take_replaced())
        return events.ReplicasStopped()
