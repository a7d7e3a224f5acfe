"""What the sketch tells of clients: shares by rank and their number, near the truth."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from ostiary.identity.sessions.client_metrics import ClientMetrics
from ostiary.identity.sessions.client_sketch import RANKS, ClientSketch
from ostiary.kernel.ids import SeededRandom
from tests.fakes.clock import FakeClock


def sketch(clock: FakeClock | None = None, seed: int = 1) -> ClientSketch:
    return ClientSketch(clock or FakeClock(), SeededRandom(seed))


def network(number: int) -> str:
    return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}/32"


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.4])
def test_the_heaviest_networks_are_found_with_their_shares(exponent) -> None:
    rng, keys, total = random.Random(5), 20_000, 60_000
    drawn = rng.choices(range(keys), [(r + 1) ** -exponent for r in range(keys)], k=total)
    counted = sketch()
    for number in drawn:
        counted.count(network(number))

    spread, truth = counted.spread(), Counter(drawn)
    assert spread.sign_ins == total
    for share, (_, count) in zip(spread.shares, truth.most_common(RANKS), strict=True):
        assert count / total - 1 / 1024 <= share <= count / total
    assert spread.networks == pytest.approx(len(truth), rel=0.2)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), max_size=300))
def test_few_networks_are_counted_exactly(numbers) -> None:
    counted = sketch()
    for number in numbers:
        counted.count(network(number))

    spread, truth = counted.spread(), Counter(numbers)
    assert (spread.networks, spread.sign_ins) == (len(truth), len(numbers))
    wanted = [count / len(numbers) for _, count in truth.most_common(RANKS)]
    assert spread.shares == pytest.approx(tuple(wanted))
    assert all(a >= b for a, b in pairwise(spread.shares))


def test_many_light_networks_take_no_more_memory_and_look_light() -> None:
    counted = sketch()
    for number in range(30_000):
        counted.count(network(number))

    spread = counted.spread()
    assert len(counted._generations[0].counts) <= 1_024
    assert len(counted._generations[0].smallest) <= 256
    assert spread.networks == pytest.approx(30_000, rel=0.2)
    assert max(spread.shares, default=0.0) < 0.001


def test_a_day_and_the_one_before_count_and_no_more() -> None:
    clock = FakeClock()
    counted = sketch(clock)
    counted.count(network(1))
    clock.advance(24 * 3600)
    counted.count(network(2))
    assert counted.spread().networks == 2
    clock.advance(24 * 3600)
    assert counted.spread().networks == 1
    clock.advance(48 * 3600)
    assert counted.spread().networks == 0


@pytest.mark.parametrize("own", ["127.0.0.1/32", "::/64", ""])
def test_the_machine_itself_and_nobody_do_not_count(own) -> None:
    counted = sketch()
    counted.count(own)
    assert counted.spread().sign_ins == 0


def test_the_metrics_hold_no_address_and_nothing_that_one_can_be_tried_against() -> None:
    registry, counted = CollectorRegistry(), sketch()
    registry.register(ClientMetrics(counted.spread))
    for number in (1, 1, 1, 2):
        counted.count(network(number))

    text = generate_latest(registry).decode()
    values = [line for line in text.splitlines() if not line.startswith("#")]
    assert values == [
        'ostiary_identity_client_share{rank="1"} 0.75',
        'ostiary_identity_client_share{rank="2"} 0.25',
        "ostiary_identity_client_networks 2.0",
        "ostiary_identity_client_sign_ins 4.0",
    ]
    assert sketch(seed=2)._key != counted._key
