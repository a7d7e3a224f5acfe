"""Broken releases are rolled back from the evidence alone, without a failure that users see."""

import random

import pytest

from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.pacing import Pacing
from tests.simulation.traffic import STRATA, Load, Traffic
from tests.simulation.world import NEW, OLD, World

PACING = Pacing(
    steps=(0.05, 0.25, 0.5, 1.0), step_seconds_min=20.0, held_after_seconds=300.0, bake_seconds=60.0
)
LOAD = Load(requests=10.0, fault_rate=0.0, refusal_rate=0.05)


def broken(rate: float, seed: str, from_stage: Stage = Stage.CHECK) -> World:
    """Return a world whose release fails some requests; its journeys happen to pass."""
    return World(
        Traffic(random.Random(seed), LOAD, broken_rate=rate),
        PACING,
        EvidenceSettings(strata=STRATA),
        from_stage=from_stage,
    )


@pytest.mark.parametrize(
    ("rate", "runs", "seconds_max"), [(1.0, 40, 30.0), (0.2, 40, 70.0), (0.05, 15, 140.0)]
)
def test_a_broken_release_is_rolled_back_and_users_do_not_notice(
    rate: float, runs: int, seconds_max: float
) -> None:
    print(f"seeds broken-{rate}-0 to {runs - 1}")
    for run in range(runs):
        world = broken(rate, f"broken-{rate}-{run}")
        result = world.run()
        assert result.verdict is Verdict.ROLLED_BACK
        assert result.reasons[0].code == "harm"
        assert result.users_affected == 0
        assert result.failed_attempts_hidden > 0
        assert result.seconds <= seconds_max
        assert (world.stable, world.share, world.last_good) == (OLD, None, OLD)
        assert world.running == {OLD}


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_a_release_that_is_broken_at_the_bake_is_rolled_back_without_a_control_arm(
    rate: float,
) -> None:
    for run in range(20):
        result = broken(rate, f"bake-{rate}-{run}", Stage.BAKE).run()
        assert (result.verdict, result.stage) == (Verdict.ROLLED_BACK, Stage.BAKE)
        assert result.users_affected == 0
        assert result.seconds <= 30.0


def test_a_release_whose_journeys_fail_never_meets_a_user() -> None:
    world = broken(1.0, "journeys")
    world.journeys_pass = False
    result = world.run()
    assert (result.verdict, result.failed_attempts_hidden) == (Verdict.ROLLED_BACK, 0)
    assert NEW not in world.running
