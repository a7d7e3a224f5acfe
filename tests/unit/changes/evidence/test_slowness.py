"""The score against a slow canary is fair under both of its nulls, and grows only without them."""

from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.slowness import NO_SLOWNESS
from tests.unit.changes.evidence.distributions import binomial

SIZES = st.integers(1, 12)


def expectations(canary: int, control: int, canary_rate: float, control_rate: float) -> list[float]:
    """Return the expectation of each bet's factor in one block."""
    sums = [0.0] * len(NO_SLOWNESS.logs)
    for slow, p in binomial(canary, canary_rate):
        for usual, q in binomial(control, control_rate):
            logs = NO_SLOWNESS.update(Trials(canary, slow), Trials(control, usual)).logs
            for point, value in enumerate(logs):
                sums[point] += p * q * exp(value)
    return sums


@settings(derandomize=True, deadline=None, max_examples=40)
@given(SIZES, SIZES, st.floats(0.001, 0.999), st.floats(0.0, 1.0))
def test_expects_at_most_one_while_the_odds_are_at_most_twice_the_controls(
    canary: int, control: int, control_rate: float, part: float
) -> None:
    odds = 2.0 * part * control_rate / (1.0 - control_rate)
    canary_rate = odds / (1.0 + odds)
    assert max(expectations(canary, control, canary_rate, control_rate)) <= 1.0 + 1e-9


@settings(derandomize=True, deadline=None, max_examples=40)
@given(SIZES, SIZES, st.floats(0.0, 0.07), st.floats(0.0, 1.0))
def test_expects_at_most_one_while_few_requests_are_slow_whatever_the_control_does(
    canary: int, control: int, canary_rate: float, control_rate: float
) -> None:
    assert max(expectations(canary, control, canary_rate, control_rate)) <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("canary", "control"), [(Trials(0, 0), Trials(9, 3)), (Trials(9, 9), Trials(0, 0))]
)
def test_a_block_with_one_arm_says_nothing(canary: Trials, control: Trials) -> None:
    assert NO_SLOWNESS.update(canary, control) is NO_SLOWNESS


def test_it_grows_when_neither_holds() -> None:
    evidence = NO_SLOWNESS
    for _ in range(6):
        evidence = evidence.update(Trials(10, 9), Trials(10, 0))
    assert evidence.log_e > 12.0
