"""Healthy releases are not rolled back more often than promised, whatever the traffic does."""

import random
from collections import Counter

import pytest

from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Verdict
from ostiary.changes.pacing import Pacing
from tests.simulation.confidence import most_by_chance, rate_at_most
from tests.simulation.traffic import STRATA, Traffic, healthy_load
from tests.simulation.world import World

PACING = Pacing(
    steps=(0.1, 0.5, 1.0), step_seconds_min=4.0, held_after_seconds=60.0, bake_seconds=6.0
)


@pytest.mark.parametrize(("alpha", "runs"), [(0.001, 200), (0.02, 300)])
def test_healthy_releases_are_seldom_rolled_back(alpha: float, runs: int) -> None:
    seed = f"healthy-{alpha}"
    print(f"seed {seed}")
    verdicts: Counter[Verdict | None] = Counter()
    for run in range(runs):
        rng = random.Random(f"{seed}-{run}")
        world = World(
            Traffic(rng, healthy_load(rng)),
            PACING,
            EvidenceSettings(strata=STRATA, alpha=alpha),
        )
        verdicts[world.run().verdict] += 1
    assert verdicts[Verdict.ROLLED_BACK] <= most_by_chance(runs, alpha)
    # A burst in both arms holds a change; it happens, but it is not the rule.
    assert verdicts[Verdict.PROMOTED] >= 0.8 * runs
    assert set(verdicts) <= {Verdict.PROMOTED, Verdict.HELD, Verdict.ROLLED_BACK}


def test_most_by_chance_is_the_binomial_quantile() -> None:
    assert most_by_chance(1_000, 0.0) == 0
    assert most_by_chance(1_000, 0.001) == 4
    assert most_by_chance(10, 1.0) == 10
    assert most_by_chance(100_000, 0.001) == 124


def test_a_rate_that_shows_no_event_in_so_many_runs_is_below_the_rule_of_thumb() -> None:
    assert rate_at_most(0, 1_000) == pytest.approx(4.605 / 1_000, rel=0.01)
    assert rate_at_most(100, 100_000) == pytest.approx(0.00126, rel=0.02)
    assert rate_at_most(5, 5) == 1.0
