from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.mixture import NO_BETS, ODDS_RATIOS, conditional_bets, log_mean
from tests.unit.changes.evidence.distributions import hypergeometric

SIZES = st.integers(0, 25)


def factor(canary: int, control: int, failures: int, canary_failures: int) -> float:
    bets = conditional_bets(
        NO_BETS, Trials(canary, canary_failures), Trials(control, failures - canary_failures)
    )
    return exp(log_mean(bets))


@settings(derandomize=True, deadline=None)
@given(SIZES, SIZES, st.integers(0, 50))
def test_expects_exactly_one_when_the_arm_does_not_matter(
    canary: int, control: int, failures: int
) -> None:
    failures = min(failures, canary + control)
    expectation = sum(
        p * factor(canary, control, failures, x)
        for x, p in hypergeometric(canary, control, failures)
    )
    assert expectation == pytest.approx(1.0, abs=1e-9)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 25), st.integers(1, 25), st.integers(1, 49), st.floats(1.0, 5.0))
def test_expects_at_most_one_up_to_the_tolerated_odds_ratio(
    canary: int, control: int, failures: int, odds_ratio: float
) -> None:
    failures = min(failures, canary + control)
    tolerance = 5.0
    weights = [(x, p * odds_ratio**x) for x, p in hypergeometric(canary, control, failures)]
    total = sum(weight for _, weight in weights)
    for grid_point in range(len(ODDS_RATIOS)):
        expectation = sum(
            weight
            / total
            * exp(
                conditional_bets(
                    NO_BETS, Trials(canary, x), Trials(control, failures - x), tolerance
                )[grid_point]
            )
            for x, weight in weights
        )
        assert expectation <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("canary", "control"),
    [
        (Trials(10, 0), Trials(10, 0)),
        (Trials(10, 10), Trials(10, 10)),
        (Trials(0, 0), Trials(10, 3)),
        (Trials(10, 3), Trials(0, 0)),
    ],
)
def test_windows_that_cannot_tell_the_arms_apart_say_nothing(
    canary: Trials, control: Trials
) -> None:
    assert conditional_bets(NO_BETS, canary, control) == NO_BETS


def test_one_failure_in_a_small_canary_is_worth_the_odds_of_its_share() -> None:
    bets = conditional_bets(NO_BETS, Trials(1, 1), Trials(99, 0))
    assert bets[-1] == pytest.approx(log(1000.0 / ((1000.0 + 99.0) / 100.0)))


def test_a_million_counts_per_window_stay_numbers() -> None:
    bets = conditional_bets(NO_BETS, Trials(1_000_000, 20_000), Trials(9_000_000, 9_000))
    assert 5_000.0 < max(bets) < 1e6
    healthy = conditional_bets(NO_BETS, Trials(1_000_000, 1_000), Trials(9_000_000, 9_000))
    assert log_mean(healthy) < 0.0
