"""Counting begins before the first user can meet the canary, whether or not that is confirmed."""

import asyncio
from types import SimpleNamespace

from ostiary.changes import actions, events
from ostiary.changes.controller import begin
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.state import Phase
from ostiary.edge.counters import EdgeCounters
from ostiary.guard.conductor import Conductor
from ostiary.guard.service_groups import ServiceGroups


def _ignored(*_: object, **__: object) -> None:
    return None


class Parts:
    """An edge that counts on with each reading, a journal that takes all, and a slow share."""

    def __init__(self) -> None:
        self.readings = 0
        self.plane = SimpleNamespace(
            counters=self._counters, candidates=[], serving="s-0", services=ServiceGroups()
        )
        self.journal = SimpleNamespace(append=_ignored)
        self.courses = SimpleNamespace(begin=_ignored, add=_ignored, keep=_ignored)
        self.watch = SimpleNamespace(reset=lambda: None, trouble=self._trouble)
        self.mints = SimpleNamespace(totals=_ignored)
        self.clock = SimpleNamespace(monotonic=lambda: 0.0)
        self.effects = SimpleNamespace(perform=self._perform)

    async def _counters(self) -> EdgeCounters:
        self.readings += 1
        return EdgeCounters(named_attempts={"": self.readings}, attempts_total=self.readings)

    async def _trouble(self, _replicas: object) -> None:
        return None

    async def _perform(self, action: actions.Action, *_: object) -> events.Event | None:
        if isinstance(action, actions.SetShare):
            await asyncio.Event().wait()
        return None


async def from_bake(parts: Parts, *, looked: bool) -> Conductor:
    conductor = Conductor(parts)
    settings = EvidenceSettings(strata=("token",))
    step = begin("c-1", "s-1", now=0.0, pacing=Pacing(), evidence=settings, from_stage=Stage.BAKE)
    conductor._begin(SimpleNamespace(id="s-1"), step)
    conductor._deliver(events.Checked(ok=True))
    if looked:
        await conductor._look(1)
    conductor._deliver(events.CandidatesReady())
    return conductor


def test_what_users_meet_before_the_first_share_is_confirmed_is_counted():
    async def run() -> None:
        parts = Parts()
        conductor = await from_bake(parts, looked=True)
        assert conductor.state.phase is Phase.BAKING
        assert conductor.state.share is None
        assert conductor.windows is not None
        # The first reading is the one from before the share was ordered.
        assert conductor.windows._first.attempts_total == 1
        await conductor._look(2)
        await conductor.abandon()

    asyncio.run(run())


def test_without_a_look_before_it_counting_begins_with_the_answer():
    async def run() -> None:
        parts = Parts()
        told = asyncio.Event()

        async def answered(action: actions.Action, *_: object) -> events.Event | None:
            return events.EdgeApplied(1.0) if isinstance(action, actions.SetShare) else None

        parts.effects.perform = answered
        parts.journal.append = lambda _kind, _change, state: state["share"] == 1.0 and told.set()
        conductor = await from_bake(parts, looked=False)
        assert conductor.windows is None
        await told.wait()
        assert conductor.windows is not None
        await conductor.abandon()

    asyncio.run(run())
