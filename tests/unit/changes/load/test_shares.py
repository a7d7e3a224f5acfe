"""Who gets how much, by weights and by simulation."""

import math
import random
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.load.keys import KeySkew
from ostiary.changes.load.maglev import TABLE_SIZE, Maglev
from ostiary.changes.load.ring import Ring, ring_size
from ostiary.changes.load.shares import _worse_than_most, by_weights, spread_of
from ostiary.changes.load.xxhash import xxh64

WEIGHTS = st.lists(st.integers(1, 128), min_size=1, max_size=64)
BALANCERS = st.sampled_from(["round_robin", "least_request", "random", "ring_hash", "maglev"])
SKEWS = st.builds(KeySkew, st.floats(0, 2), st.integers(1, 100_000))
KEYS = [xxh64(f"client {number}".encode()) for number in range(20_000)]


@settings(max_examples=40, deadline=None)
@given(BALANCERS, st.lists(st.integers(1, 9), min_size=1, max_size=12), SKEWS)
def test_shares_are_parts_of_one_and_a_loss_lowers_nobodys(balancer, weights, skew) -> None:
    spread = spread_of(balancer, weights, skew, [1.0] * len(weights))

    assert math.isclose(sum(spread.shares), 1.0, abs_tol=1e-9)
    for share, lost in zip(spread.shares, spread.one_lost, strict=True):
        assert share >= 0
        assert (lost is None) == (len(weights) == 1)
        assert lost is None or share <= lost <= 1 + 1e-9


@given(WEIGHTS, st.data())
def test_more_weight_is_never_less_share(weights, data) -> None:
    seat = data.draw(st.integers(0, len(weights) - 1))
    heavier = [*weights]
    heavier[seat] += data.draw(st.integers(1, 128))

    assert by_weights(heavier).shares[seat] >= by_weights(weights).shares[seat]


@given(WEIGHTS, st.randoms(use_true_random=False))
def test_seats_in_another_order_get_the_same(weights, rng) -> None:
    order = rng.sample(range(len(weights)), len(weights))
    spread, mixed = by_weights(weights), by_weights([weights[seat] for seat in order])

    assert mixed.shares == pytest.approx([spread.shares[seat] for seat in order])
    assert mixed.one_lost == pytest.approx([spread.one_lost[seat] for seat in order])


@given(WEIGHTS)
def test_the_worst_loss_is_the_worst_of_all_losses(weights) -> None:
    for seat, lost in enumerate(by_weights(weights).one_lost):
        others = [weight for other, weight in enumerate(weights) if other != seat]
        tried = [weights[seat] / (sum(weights) - other) for other in others]
        assert lost == (pytest.approx(max(tried)) if tried else None)


def test_random_does_not_look_at_weights() -> None:
    assert spread_of("random", [8, 1, 1], KeySkew(), [1.0] * 3) == by_weights([1, 1, 1])


def test_the_same_settings_are_always_judged_alike() -> None:
    for balancer in ("ring_hash", "maglev"):
        first, second = (spread_of(balancer, [2, 1], KeySkew(), [1.0, 1.0]) for _ in range(2))
        assert first == second


def test_a_few_heavy_keys_load_replicas_unevenly_and_many_light_ones_do_not() -> None:
    for balancer in ("ring_hash", "maglev"):
        heavy = spread_of(balancer, [1] * 4, KeySkew(1.2, 20), [1.0] * 4)
        light = spread_of(balancer, [1] * 4, KeySkew(0.0, 100_000), [1.0] * 4)
        assert max(heavy.shares) > 1.3 / 4
        assert max(light.shares) < 1.15 / 4


@pytest.mark.parametrize(("weights", "points"), [([1] * 4, 1024), ([1] * 3, 1026), ([3, 1], 1024)])
def test_a_ring_has_a_whole_number_of_points_for_the_lightest(weights, points) -> None:
    ring = Ring.of([f"10.0.0.{seat}:80" for seat in range(len(weights))], weights)

    assert ring_size(weights) == len(ring.points) == points
    assert list(ring.points) == sorted(ring.points)


def test_every_place_of_a_maglev_table_is_owned_in_proportion_to_weight() -> None:
    maglev = Maglev.of(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"], [4, 2, 1])

    assert maglev.evenly() == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=3 / TABLE_SIZE)


def test_a_place_that_two_replicas_ask_for_at_once_is_given_as_envoy_gives_it() -> None:
    names = [f"127.0.0.1:{port}" for port in (38935, 38955, 37485, 45085)]
    for order in permutations(names):
        maglev = Maglev.of(order, [1, 1, 1, 1])
        # Seen on Envoy 1.40 with these four; first come, first served would give it to 38935.
        assert order[maglev.owner(xxh64(b"127.3.7.182"))] == "127.0.0.1:38955"


def test_an_heir_on_the_ring_is_whom_a_ring_without_the_owner_gives_the_key_to() -> None:
    names = [f"10.0.0.{seat}:80" for seat in range(8)]
    ring = Ring.of(names, [1] * 8)
    # Fewer replicas get more points each; those that were there before decide about most keys.
    without = {
        lost: Ring(
            *zip(
                *((p, o) for p, o in zip(ring.points, ring.owners, strict=True) if o != lost),
                strict=True,
            )
        )
        for lost in range(8)
    }
    for key in KEYS[:2000]:
        assert ring.heir(key) == without[ring.owner(key)].owner(key)


@pytest.mark.parametrize("weights", [[1] * 6, [3, 1, 1, 2, 1, 1]])
@pytest.mark.parametrize("kind", [Ring, Maglev])
def test_heirs_get_as_much_as_after_building_anew(kind, weights) -> None:
    names = [f"10.0.0.{seat}:80" for seat in range(len(weights))]
    whole = kind.of(names, weights)
    rebuilt = kind.of(names[1:], weights[1:])
    for seat in range(1, len(weights)):
        by_heirs = sum(seat in (whole.owner(key), _heir_of_first(whole, key)) for key in KEYS)
        anew = sum(rebuilt.owner(key) + 1 == seat for key in KEYS)
        expected = len(KEYS) * weights[seat] / sum(weights[1:])
        # A ring's parts differ by the root of its points, a table's hardly at all.
        tolerance = 0.15 if kind is Ring else 0.03
        assert abs(by_heirs - anew) < tolerance * expected


def _heir_of_first(whole, key: int) -> int | None:
    return whole.heir(key) if whole.owner(key) == 0 else None


@pytest.mark.parametrize("balancer", ["round_robin", "ring_hash", "maglev"])
def test_light_keys_of_a_lost_seat_go_to_all_others(balancer) -> None:
    spread = spread_of(balancer, [1] * 4, KeySkew(0.0, 1_000_000), [1.0] * 4)
    assert spread.one_lost == pytest.approx((1 / 3,) * 4, rel=0.2)


def test_the_draw_that_is_judged_is_the_second_worst_of_ten() -> None:
    drawn = [[0.5 + worse / 100, 0.5 - worse / 100] for worse in (3, 9, 1, 7, 0, 5, 8, 2, 6, 4)]
    assert _worse_than_most(drawn, [1.0, 1.0]) == drawn.index([0.58, 0.42])
    assert _worse_than_most(drawn, [1.0, 0.1]) == drawn.index([0.51, 0.49])


def test_a_replica_that_is_alone_has_nobody_to_lose() -> None:
    for balancer in ("round_robin", "ring_hash", "maglev"):
        spread = spread_of(balancer, [7], KeySkew(), [1.0])
        assert spread.shares == pytest.approx((1.0,))
        assert spread.one_lost == (None,)


def test_less_capacity_decides_which_draw_is_judged() -> None:
    rng = random.Random(3)
    capacities = [rng.choice([1.0, 4.0]) for _ in range(5)]
    spread = spread_of("ring_hash", [1] * 5, KeySkew(1.0, 200), capacities)
    other = spread_of("ring_hash", [1] * 5, KeySkew(1.0, 200), [1.0] * 5)

    assert spread != other
