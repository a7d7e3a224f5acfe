from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.two_sample import log_factor
from tests.unit.changes.evidence.distributions import binomial

SIZES = st.integers(1, 10)
RATES = st.floats(0.001, 0.999)


@st.composite
def pasts(draw: st.DrawFn) -> tuple[Trials, Trials]:
    def arm() -> Trials:
        requests = draw(st.integers(0, 50))
        return Trials(requests, draw(st.integers(0, requests)))

    return arm(), arm()


def expectation(
    sizes: tuple[int, int],
    rates: tuple[float, float],
    past: tuple[Trials, Trials],
    tolerance: float = 1.0,
) -> float:
    return sum(
        p_canary
        * p_control
        * exp(log_factor(Trials(sizes[0], x), Trials(sizes[1], y), past, tolerance))
        for x, p_canary in binomial(sizes[0], rates[0])
        for y, p_control in binomial(sizes[1], rates[1])
    )


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SIZES, SIZES, RATES, pasts())
def test_expects_at_most_one_for_any_common_rate(
    canary: int, control: int, rate: float, past: tuple[Trials, Trials]
) -> None:
    assert expectation((canary, control), (rate, rate), past) <= 1.0 + 1e-9


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SIZES, SIZES, RATES, st.floats(0.0, 1.0), pasts())
def test_expects_at_most_one_for_a_better_canary(
    canary: int, control: int, rate: float, part: float, past: tuple[Trials, Trials]
) -> None:
    assert expectation((canary, control), (rate * part, rate), past) <= 1.0 + 1e-9


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SIZES, SIZES, RATES, st.floats(1.0, 3.0), pasts())
def test_expects_at_most_one_up_to_the_tolerated_odds_ratio(
    canary: int, control: int, rate: float, odds: float, past: tuple[Trials, Trials]
) -> None:
    worse = odds * rate / (1.0 + (odds - 1.0) * rate)
    assert expectation((canary, control), (worse, rate), past, 3.0) <= 1.0 + 1e-7


def test_one_arm_alone_says_nothing() -> None:
    assert log_factor(Trials(5, 5), Trials(0, 0), (Trials(0, 0), Trials(0, 0))) == 0.0


def test_a_past_in_which_the_control_failed_more_gives_no_bet() -> None:
    assert log_factor(Trials(5, 5), Trials(5, 0), (Trials(50, 1), Trials(50, 9))) == 0.0


def test_the_first_block_of_a_canary_that_fails_everything_is_enough() -> None:
    assert log_factor(Trials(25, 25), Trials(25, 0), (Trials(0, 0), Trials(0, 0))) > 15.0


@pytest.mark.parametrize("tolerance", [1.0, 2.0])
def test_a_million_counts_per_window_stay_numbers(tolerance: float) -> None:
    past = (Trials(10**6, 50), Trials(10**6, 10))
    value = log_factor(Trials(10**6, 40), Trials(10**6, 10), past, tolerance)
    assert -100.0 < value < 100.0
