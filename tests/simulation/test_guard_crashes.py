"""The guard may die at any moment: the last good version serves, and the change is settled."""

import random
from collections.abc import Iterable

import pytest

from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Verdict
from ostiary.changes.pacing import Pacing
from tests.simulation.traffic import STRATA, Load, Traffic
from tests.simulation.world import NEW, OLD, World

PACING = Pacing(
    steps=(0.2, 0.5, 1.0), step_seconds_min=2.0, held_after_seconds=60.0, bake_seconds=3.0
)
LOAD = Load(requests=12.0, fault_rate=0.0, refusal_rate=0.05)


def change(seed: str, *, broken_rate: float = 0.0, kill_at: Iterable[int] = ()) -> World:
    """Run one change with the guard killed at some moments, and check how the world is left."""
    world = World(
        Traffic(random.Random(seed), LOAD, broken_rate),
        PACING,
        EvidenceSettings(strata=STRATA),
        kill_at=frozenset(kill_at),
    )
    result = world.run()
    promoted = result.verdict is Verdict.PROMOTED
    serving = NEW if promoted else OLD
    where = f"seed {seed}, killed at {sorted(world.kill_at)}"
    assert result.verdict in (Verdict.PROMOTED, Verdict.ROLLED_BACK), where
    assert (world.stable, world.share) == (serving, None), where
    assert world.last_good == serving, where
    assert world.running == {serving}, where
    return world


def test_without_a_crash_a_healthy_change_is_promoted() -> None:
    assert change("healthy", kill_at=[10**9]).last_good == NEW


@pytest.mark.parametrize("broken_rate", [0.0, 1.0])
def test_a_guard_killed_at_any_moment_leaves_a_settled_change(broken_rate: float) -> None:
    seed = f"crash-{broken_rate}"
    print(f"seed {seed}")
    moments = change(seed, broken_rate=broken_rate, kill_at=[10**9]).moments
    assert moments >= 20
    for moment in range(1, moments + 1):
        world = change(seed, broken_rate=broken_rate, kill_at=[moment])
        assert world.moments > moment or moment == moments


def test_a_guard_killed_again_while_it_recovers_leaves_a_settled_change() -> None:
    rng = random.Random("crashes")
    print("seed crashes")
    for run in range(80):
        first = rng.randrange(1, 30)
        kills = {first, first + rng.randrange(1, 6), first + rng.randrange(6, 12)}
        change(f"crashes-{run}", broken_rate=rng.choice((0.0, 0.5)), kill_at=kills)
