"""A rollback's edge write waits for no journey, no replica, no admin call and no database."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ostiary.changes import actions, events
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.counters import EdgeCounters
from ostiary.guard import history
from ostiary.guard.conductor import Conductor, ConductorParts
from ostiary.guard.course_keeper import CourseKeeper
from ostiary.guard.service_groups import ServiceGroups
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock

SNAPSHOT = Snapshot("s-new", {}, {})
FOLLOWS_AT_ONCE = 8
"""Turns of the event loop in which what was begun gets as far as it can by itself."""


class Effects:
    """The edge answers at once; everything else hangs for ever, as with a database that does."""

    def __init__(self) -> None:
        self.asked: list[actions.Action] = []

    async def perform(self, action: actions.Action, *_: object) -> events.Event | None:
        self.asked.append(action)
        match action:
            case actions.RunChecks():
                return events.Checked(ok=True)
            case actions.StartCandidates():
                return events.CandidatesReady()
            case actions.SetShare(share=share):
                return events.EdgeApplied(share)
            case actions.WithdrawCanary():
                return events.CanaryWithdrawn()
            case actions.RevokeMinted():
                return None
            case _:
                await asyncio.Event().wait()
                return None


async def counters() -> EdgeCounters:
    return EdgeCounters({}, {})


async def nothing(*_: object) -> Any:
    return None


def conducted(directory: Path, effects: Effects) -> Conductor:
    clock = FakeClock()
    journal = Journal(directory / "guard.db", clock)
    return Conductor(
        ConductorParts(
            plane=SimpleNamespace(counters=counters, candidates=[], services=ServiceGroups()),  # type: ignore[arg-type]
            lease=SimpleNamespace(withdraw=lambda: None),  # type: ignore[arg-type]
            effects=effects,  # type: ignore[arg-type]
            trials=SimpleNamespace(clean_up=nothing),  # type: ignore[arg-type]
            watch=SimpleNamespace(reset=lambda: None),  # type: ignore[arg-type]
            balance=SimpleNamespace(begin=lambda *_: None),  # type: ignore[arg-type]
            journal=journal,
            snapshots=SimpleNamespace(get=lambda _: SNAPSHOT),  # type: ignore[arg-type]
            clock=clock,
            courses=CourseKeeper(journal, clock),
            pacing=Pacing(),
            alpha=0.001,
        )
    )


async def turns() -> None:
    for _ in range(FOLLOWS_AT_ONCE):
        await asyncio.sleep(0)


def test_an_ordered_rollback_is_at_the_edge_while_everything_else_hangs(tmp_path: Path) -> None:
    async def main() -> None:
        effects = Effects()
        conductor = conducted(tmp_path, effects)
        conductor.start("c-1", SNAPSHOT, Stage.BAKE, Pacing())
        await turns()
        await turns()
        assert isinstance(effects.asked[-1], actions.RunJourneys), "they hang from here on"
        conductor.command(events.Command("rollback", "ada", revoke=True))
        await turns()
        state = conductor.state
        assert state is not None
        assert state.phase == "stopping", "the edge has confirmed"
        assert effects.asked[-4:] == [
            actions.WithdrawCanary(),
            actions.StopCandidates(),
            actions.RunProof("rollback"),
            actions.RevokeMinted("ada ordered rollback."),
        ]
        await conductor.abandon()

    asyncio.run(main())


def test_a_new_guard_withdraws_first_whatever_moment_the_last_one_died_at(tmp_path: Path) -> None:
    """The order was journalled; of what was to follow nothing is taken to have been done."""

    async def main() -> None:
        first = conducted(tmp_path, Effects())
        data = {"snapshot": "s-new", "from_snapshot": "s-old", "request": {}}
        first._parts.journal.append(history.CHANGE_PROPOSED, "c-1", data)
        first.start("c-1", SNAPSHOT, Stage.BAKE, Pacing())
        await turns()
        first.command(events.Command("rollback", "ada", "it is slow"))
        # Killed at the moment of the decision: what was begun comes to nothing.
        await first.abandon()
        entries = first._parts.journal.entries()
        first._parts.journal.close()
        effects = Effects()
        second = conducted(tmp_path, effects)
        (unfinished,) = history.read(entries).unfinished
        second.take_over(unfinished)
        assert second.state is not None
        assert [reason.code for reason in second.state.reasons] == ["operator_rollback"]
        await turns()
        assert effects.asked[0] == actions.WithdrawCanary()
        await second.abandon()

    asyncio.run(main())
