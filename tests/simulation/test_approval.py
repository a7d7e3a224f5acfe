"""A change that waits for approval outlives guards that die, and exposes nobody meanwhile."""

import random

import pytest

from ostiary.changes.approval import Approval
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.pacing import Pacing
from tests.simulation.traffic import STRATA, Load, Traffic
from tests.simulation.world import NEW, OLD, World

PACING = Pacing(
    steps=(0.2, 0.5, 1.0), step_seconds_min=2.0, held_after_seconds=60.0, bake_seconds=3.0
)
LOAD = Load(requests=12.0, fault_rate=0.0, refusal_rate=0.05)
WINDOWS = 12


def change(seed: str, *kill_at: int, approved_after: int | None, expires: float = 60.0) -> World:
    """Run a change that needs approval, with the guard killed at some moments."""
    return World(
        Traffic(random.Random(seed), LOAD, 0.0),
        PACING,
        EvidenceSettings(strata=STRATA),
        kill_at=frozenset(kill_at or {10**9}),
        approval=Approval(required=True, expires_seconds=expires, proposer="ada"),
        approved_after_windows=approved_after,
    )


def test_a_guard_that_dies_again_and_again_while_a_change_waits_loses_nothing() -> None:
    # Two moments are those of the check; the next ones are windows of waiting.
    for moment in range(3, 2 + WINDOWS):
        world = change("waits", moment, approved_after=WINDOWS)
        result = world.run()
        assert (result.verdict, world.last_good) == (Verdict.PROMOTED, NEW), moment
        assert world.state.approval.operator == "bob"
        assert world.windows_waited == WINDOWS


def test_a_guard_killed_at_any_moment_leaves_a_settled_change_that_was_approved() -> None:
    moments = change("any", approved_after=3)
    moments.run()
    for moment in range(1, moments.moments + 1):
        world = change("any", moment, approved_after=3)
        result = world.run()
        serving = NEW if result.verdict is Verdict.PROMOTED else OLD
        assert (world.stable, world.last_good, world.running) == (serving, serving, {serving})


@pytest.mark.parametrize("kill_at", [(), (4,), (4, 7, 9)])
def test_the_wait_ends_when_it_was_to_end_however_often_the_guard_died(
    kill_at: tuple[int, ...],
) -> None:
    world = change("expires", *kill_at, approved_after=None, expires=10.0)
    result = world.run()
    assert (result.stage, result.verdict) == (Stage.APPROVE, Verdict.HELD)
    assert world.now == pytest.approx(10.0, abs=0.5)
    assert world.running == {OLD}
