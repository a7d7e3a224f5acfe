"""Zipf's law: masses, sums, and an exponent found again in data that was made with it."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.load.keys import KeySkew, fitted_skew, harmonic, heavy_keys

RANKS = 16


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.7])
def test_a_long_sum_is_that_of_its_terms(exponent) -> None:
    exact = math.fsum(rank**-exponent for rank in range(1, 60_001))
    assert harmonic(60_000, exponent) == pytest.approx(exact, rel=1e-6)


@given(st.floats(0, 4), st.integers(1, 10_000_000))
def test_heavy_keys_fall_and_are_no_more_than_all(exponent, keys) -> None:
    heavy = heavy_keys(KeySkew(exponent, keys))
    assert list(heavy) == sorted(heavy, reverse=True)
    assert math.fsum(heavy) <= 1 + 1e-9
    assert keys > len(heavy) or math.fsum(heavy) == pytest.approx(1)


@pytest.mark.parametrize("keys", [8, 100, 10_000, 2_000_000])
@pytest.mark.parametrize("exponent", [0.0, 0.4, 1.0, 1.6])
def test_the_exponent_of_exact_shares_is_found_again(exponent, keys) -> None:
    shares = heavy_keys(KeySkew(exponent, keys))[:RANKS]
    assert fitted_skew(shares, keys).exponent == pytest.approx(exponent, abs=0.02)


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.4])
def test_the_exponent_of_generated_requests_is_found_again(exponent) -> None:
    rng, keys = random.Random(11), 2_000
    masses = [rank**-exponent for rank in range(1, keys + 1)]
    counts = Counter(rng.choices(range(keys), masses, k=50_000))
    shares = [count / 50_000 for _, count in counts.most_common(RANKS)]

    assert fitted_skew(shares, keys).exponent == pytest.approx(exponent, abs=0.06)


@pytest.mark.parametrize(("shares", "keys"), [((), 10), ((1.0,), 1), ((), 0)])
def test_where_there_is_nothing_to_compare_there_is_no_skew(shares, keys) -> None:
    assert fitted_skew(shares, keys).exponent == 0.0
