from math import exp, isfinite, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.hypergeometric import log_normaliser
from tests.unit.changes.evidence.distributions import hypergeometric

SIZES = st.integers(1, 40)


@settings(derandomize=True, deadline=None)
@given(SIZES, SIZES, st.integers(0, 80), st.floats(0.01, 1000.0))
def test_equals_the_expectation_that_is_counted_out(
    canary: int, control: int, failures: int, odds_ratio: float
) -> None:
    failures = min(failures, canary + control)
    expectation = sum(p * odds_ratio**x for x, p in hypergeometric(canary, control, failures))
    assert log_normaliser(odds_ratio, canary, control, failures) == pytest.approx(
        log(expectation), abs=1e-9
    )


@pytest.mark.parametrize("size", [10**4, 10**6, 10**8])
def test_odds_ratio_one_gives_one_at_any_size(size: int) -> None:
    assert log_normaliser(1.0, size, 2 * size, size // 2) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("odds_ratio", [1.5, 10.0, 1000.0])
def test_a_million_counts_agree_with_the_normal_approximation(odds_ratio: float) -> None:
    # With one failure in a million the sum has two terms and can be written down.
    two_terms = log((999_999 + odds_ratio * 1_000_001) / 2_000_000)
    assert log_normaliser(odds_ratio, 1_000_001, 999_999, 1) == pytest.approx(two_terms)
    # With many failures it grows, and stays a number.
    many = log_normaliser(odds_ratio, 1_000_000, 1_000_000, 1_000_000)
    assert isfinite(many)
    assert many > 0.4 * 1_000_000 * log(odds_ratio)


def test_where_only_one_outcome_is_possible_there_is_nothing_to_sum() -> None:
    assert log_normaliser(7.0, 5, 3, 8) == pytest.approx(5 * log(7.0))
    assert exp(log_normaliser(7.0, 5, 3, 0)) == 1.0
