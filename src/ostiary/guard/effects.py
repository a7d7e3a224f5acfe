"""Carrying out what the change controller asks for, one small effect per action.

Each effect answers with the event that the controller waits for. Problems that are expected
become events too; only bugs raise.
"""

import asyncio
from dataclasses import dataclass, field

from ostiary.changes import actions, events
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.rollout import EdgeUnconfirmedError
from ostiary.guard import history
from ostiary.guard.fleet import SERVICE, Fleet
from ostiary.guard.plane import DataPlane
from ostiary.guard.trials import Trials
from ostiary.kernel.errors import OstiaryError, RefusedError
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore


@dataclass(frozen=True, slots=True)
class Effects:
    """What a change can do to the world."""

    fleet: Fleet
    plane: DataPlane
    trials: Trials
    releases: ReleaseStore
    journal: Journal
    candidates: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while candidates start or stop: a change may end while they are still starting."""

    async def perform(  # noqa: C901, PLR0911 - one line for each action
        self, action: actions.Action, change: str, snapshot: Snapshot
    ) -> events.Event | None:
        """Carry out one action; return the event that answers it, None where none does."""
        match action:
            case actions.RunChecks():
                return self._check(snapshot)
            case actions.StartCandidates():
                return await self._start(snapshot)
            case actions.RunRehearsal():
                return await self._rehearse(snapshot)
            case actions.RunJourneys():
                return await self.trials.pinned()
            case actions.RunProof(of=of):
                return await self.trials.proof(of)
            case actions.SetShare() | actions.WithdrawCanary() | actions.PromoteSnapshot():
                return await self._edge(action, change, snapshot)
            case actions.StopCandidates():
                return await self._stop_candidates()
            case actions.StopReplaced():
                return await self._stop_replaced()
            case actions.MarkGood():
                data = {"snapshot": snapshot.id, "because": change}
                self.journal.append(history.MARKED_GOOD, snapshot.id, data)
                return None
            case actions.Settle():
                return None

    def _check(self, snapshot: Snapshot) -> events.Checked:
        """Compare the release with its hash; settings were parsed when they were proposed."""
        changed = self.releases.verify(snapshot.releases[SERVICE])
        problems = tuple(
            Reason("release_changed", f"{path} differs from the release's hash.")
            for path in changed[:5]
        )
        return events.Checked(ok=not problems, problems=problems)

    async def _start(self, snapshot: Snapshot) -> events.Event:
        count = int(snapshot.settings["identity"]["replicas"])
        try:
            async with self.candidates:
                self.plane.canary = await self.fleet.start(snapshot, count)
        except OstiaryError as error:
            self.plane.canary = []
            return events.CandidatesFailed(error.code, str(error))
        return events.CandidatesReady()

    async def _rehearse(self, snapshot: Snapshot) -> events.Rehearsed:
        changed = self.releases.verify(snapshot.releases[SERVICE])
        if changed:
            text = f"{changed[0]} was changed while the release was running."
            return events.Rehearsed(passed=False, failures=(Reason("release_changed", text),))
        return await self.trials.rehearse()

    async def _edge(
        self,
        action: actions.SetShare | actions.WithdrawCanary | actions.PromoteSnapshot,
        change: str,
        snapshot: Snapshot,
    ) -> events.Event:
        try:
            match action:
                case actions.SetShare(share=share):
                    await self.plane.set_share(change, snapshot.id, share)
                    return events.EdgeApplied(share)
                case actions.WithdrawCanary():
                    await self.plane.withdraw()
                    return events.CanaryWithdrawn()
                case actions.PromoteSnapshot():
                    await self.plane.promote(snapshot.id)
                    return events.SnapshotPromoted()
        except (RefusedError, EdgeUnconfirmedError) as error:
            return events.EdgeFailed(str(error))

    async def _stop_candidates(self) -> events.ReplicasStopped:
        async with self.candidates:
            stopping, self.plane.canary = self.plane.canary, []
            await self.fleet.stop(stopping)
        return events.ReplicasStopped()

    async def _stop_replaced(self) -> events.ReplicasStopped:
        stopping, self.plane.replaced = self.plane.replaced, []
        await self.fleet.stop(stopping)
        return events.ReplicasStopped()
