from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.noninferiority import log_e, log_factor
from tests.unit.changes.evidence.distributions import binomial

MARGIN = 0.01


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.integers(1, 10),
    st.integers(0, 10),
    st.floats(0.0, 0.9),
    st.floats(0.0, 0.05),
    st.integers(0, 500),
    st.integers(0, 40),
)
def test_expects_at_most_one_for_a_canary_worse_by_the_margin(
    canary: int, control: int, rate: float, more: float, past: int, past_events: int
) -> None:
    known = Trials(past, min(past, past_events))
    expectation = sum(
        p_canary * p_control * exp(log_factor(Trials(canary, x), Trials(control, y), known, MARGIN))
        for x, p_canary in binomial(canary, rate + MARGIN + more)
        for y, p_control in binomial(control, rate)
    )
    assert expectation <= 1.0 + 1e-6


def requests_until_cleared(per_block: int, margin: float, every: int = 0) -> int:
    """Return the canary requests until cleared at 5 %; each `every`-th fails, in both arms."""
    canary, two_sample = Trials(0, 0), 0.0
    while log_e(canary, two_sample, margin) < log(20.0) and canary.requests < 100_000:
        pooled = Trials(2 * canary.requests, 2 * canary.events)
        events = 0
        if every:
            events = (canary.requests + per_block) // every - canary.requests // every
        block = Trials(per_block, events)
        two_sample += log_factor(block, block, pooled, margin)
        canary = Trials(canary.requests + per_block, canary.events + events)
    return canary.requests


@pytest.mark.parametrize(("margin", "worked"), [(0.01, 300), (0.001, 3000)])
def test_without_failures_it_takes_the_worked_number_of_requests_and_ln_2_more(
    margin: float, worked: int
) -> None:
    # ln(1/5 %) / margin is 300 and 3,000; the average of two e-processes adds ln 2 to ln 20.
    assert worked < requests_until_cleared(10, margin) <= worked * 1.25


def test_where_failures_are_usual_it_takes_longer_but_comes_to_an_end() -> None:
    assert 400 < requests_until_cleared(10, MARGIN, every=100) < 5_000


def test_a_failing_canary_is_never_cleared() -> None:
    canary = Trials(10_000, 500)
    two_sample = log_factor(canary, Trials(10_000, 10), Trials(0, 0), MARGIN)
    assert log_e(canary, two_sample, MARGIN) < 0.0
