"""Utilisation against limits, and what would pass instead."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.load.advice import (
    bearable_peak,
    passing,
    proportional_weights,
    replicas_needed,
    weights_on_the_way,
)
from ostiary.changes.load.figures import Figures
from ostiary.changes.load.judging import Limit, breaches, fastest_growth, jain, load_of
from ostiary.changes.load.keys import KeySkew
from ostiary.changes.load.shares import by_weights

CAPACITIES = st.lists(st.floats(5, 500), min_size=2, max_size=12)


def figures(weights, capacities, peak, balancer="round_robin") -> Figures:
    return Figures(balancer, tuple(weights), tuple(capacities), peak, KeySkew())


def limits(*of) -> set[Limit]:
    return {breach.limit for breach in breaches(load_of(figures(*of)))}


def test_utilisation_is_peak_times_share_by_capacity() -> None:
    load = load_of(figures([8, 1, 1], [45.0] * 3, 60.0))

    assert load.utilisation == pytest.approx((48 / 45, 6 / 45, 6 / 45))
    assert load.utilisation_one_lost == pytest.approx((60 * 8 / 9 / 45, 30 / 45, 30 / 45))


@pytest.mark.parametrize(
    ("peak", "found"),
    [
        (84.0, set()),
        (84.1, {Limit.OVERLOADED}),
        (90.1, {Limit.OVERLOADED, Limit.OVERLOADED_ONE_LOST}),
    ],
)
def test_the_limits_themselves_still_pass(peak, found) -> None:
    # Six replicas of 20: seven tenths of all are 84, nine tenths of five are 90.
    assert limits([1] * 6, [20.0] * 6, peak) == found


def test_how_even_it_is_is_judged_on_utilisation_and_not_on_shares() -> None:
    assert limits([9, 9, 4], [45.0, 45.0, 20.0], 50.0) == set()
    assert Limit.UNFAIR in limits([1, 1, 1], [45.0, 45.0, 20.0], 5.0)


def test_one_replica_that_gets_too_little_is_unfair_though_nobody_gets_too_much() -> None:
    assert limits([10, 10, 10, 4], [45.0] * 4, 60.0) == {Limit.UNFAIR}
    assert limits([10, 10, 10, 7], [45.0] * 4, 60.0) == set()


def test_without_a_peak_only_evenness_is_judged() -> None:
    assert limits([1, 1], [1.0, 1.0], None) == set()
    assert limits([9, 1], [1.0, 1.0], None) == {Limit.OVER_MEAN, Limit.UNFAIR}


@given(CAPACITIES)
def test_jains_index_is_between_one_seat_with_all_and_all_alike(values) -> None:
    assert 1 / len(values) <= jain(values) <= 1 + 1e-12
    assert jain([3.0] * len(values)) == pytest.approx(1)
    assert jain([1.0] + [0.0] * (len(values) - 1)) == pytest.approx(1 / len(values))


@given(CAPACITIES)
def test_proportional_weights_are_whole_and_in_bounds(capacities) -> None:
    weights = proportional_weights(capacities)
    assert all(1 <= weight <= 128 for weight in weights)
    greatest = max(capacities)
    for weight, capacity in zip(weights, capacities, strict=True):
        ideal = capacity / greatest * max(weights)
        assert abs(weight - ideal) <= max(ideal / 25, 1)


@given(CAPACITIES, st.floats(0.1, 1.5), st.data())
def test_what_is_advised_passes(capacities, part, data) -> None:
    weights = data.draw(
        st.lists(st.integers(1, 9), min_size=len(capacities), max_size=len(capacities))
    )
    peak = bearable_peak(capacities) * part
    advised = passing(figures(weights, capacities, peak))
    if advised is not None:
        assert not any(breaches(load_of(advised)))
    elif part <= 1 and min(capacities) * 20 > max(capacities):
        # Rounding to whole weights costs a few percent at most.
        assert part > 0.93 or weights == list(proportional_weights(capacities))


@given(st.floats(1, 100), st.floats(1, 5000))
def test_the_replicas_that_are_said_to_do_are_the_fewest_that_do(capacity, peak) -> None:
    needed = replicas_needed(figures([1, 1], [capacity] * 2, peak))
    for replicas in range(2, 65):
        if limits([1] * replicas, [capacity] * replicas, peak) <= {Limit.UNFAIR}:
            assert needed == replicas
            return
    assert needed is None


def test_growth_is_that_of_seats_that_stay() -> None:
    assert fastest_growth([1 / 3] * 3, [0.5, 0.25, 0.25]) is None
    assert fastest_growth([0.5, 0.5], [0.2, 0.2, 0.6]) is None
    grown = fastest_growth([1 / 3] * 3, [0.2, 0.6, 0.2])
    assert grown is not None
    assert (grown.seat, round(grown.after / grown.before, 6)) == (1, 1.8)
    assert fastest_growth([0.25] * 4, [0.5, 0.5]) is not None


@given(st.lists(st.integers(1, 128), min_size=2, max_size=8), st.data())
def test_a_step_on_the_way_is_one_that_passes(before, data) -> None:
    size = len(before)
    after = data.draw(st.lists(st.integers(1, 128), min_size=size, max_size=size))
    old = by_weights(before).shares
    step = weights_on_the_way(old, after)
    if step is not None:
        assert fastest_growth(old, by_weights(step).shares) is None


@given(CAPACITIES, st.floats(1, 1000))
def test_more_peak_is_never_less_utilisation(capacities, peak) -> None:
    weights = [1] * len(capacities)
    less = load_of(figures(weights, capacities, peak)).utilisation
    more = load_of(figures(weights, capacities, peak * 2)).utilisation
    assert less is not None
    assert more is not None
    assert all(math.isclose(a * 2, b) for a, b in zip(less, more, strict=True))
