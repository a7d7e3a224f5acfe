"""Slow releases are found by the edge's durations; healthy ones that differ a little are not."""

import random
from bisect import bisect_left
from collections.abc import Callable
from itertools import pairwise

import pytest

from ostiary.changes.evidence import ArmCounts, Evidence, EvidenceSettings, StratumWindow
from ostiary.changes.evidence.counts import Trials
from ostiary.edge.access_stats import DURATION_BUCKETS_MS
from ostiary.edge.latencies import Latencies, LatencyKey, total_latencies
from ostiary.edge.route_classes import STRATA, Arm, Served, service_strata
from ostiary.guard.slowness import (
    PAST_MIN,
    WARM_UP_REQUESTS,
    Slowness,
    SlownessReader,
    threshold_of,
)
from ostiary.kernel.request_kinds import Kind

Draw = Callable[[random.Random], float]

DISTRIBUTIONS: dict[str, Draw] = {
    "a hash of always the same cost": lambda rng: rng.gauss(40.0, 1.0),
    "hashes that wait for each other": lambda rng: 25.0 + rng.expovariate(1 / 30.0),
    "light and heavy requests": lambda rng: rng.choice([5.0, 5.0, 5.0, 90.0]) * rng.gauss(1, 0.05),
    "a long tail": lambda rng: rng.lognormvariate(3.7, 0.7),
}


def durations(
    arm: Arm,
    milliseconds: list[float],
    kind: Kind | None = None,
    route_class: str = "sign_in",
) -> Latencies:
    """Return durations of first attempts as the edge counts them."""
    counts = [0] * len(DURATION_BUCKETS_MS)
    for each in milliseconds:
        counts[min(bisect_left(DURATION_BUCKETS_MS, each), len(counts) - 1)] += 1
    served = Served.CANARY if arm is Arm.CANARY else Served.LAST_GOOD
    return Latencies({LatencyKey(route_class, arm, served, first=True, kind=kind): tuple(counts)})


class Rollout:
    """Readings of the edge, two seconds apart, of an arm each with 20 sign-ins per second."""

    def __init__(self, usual: Draw, seed: int = 7) -> None:
        self.rng = random.Random(seed)
        self.usual = usual
        self.seen = durations(Arm.STABLE, [usual(self.rng) for _ in range(2000)])
        self.reader = SlownessReader(self.seen)
        self.evidence = Evidence(settings=EvidenceSettings(strata=STRATA))

    def read(self, canary: Draw, control: Draw | None = None, requests: int = 40) -> None:
        """Add one reading, and take it as evidence."""
        control = control or self.usual
        added = [
            durations(Arm.CANARY, [canary(self.rng) for _ in range(requests)]),
            durations(Arm.CONTROL, [control(self.rng) for _ in range(requests)]),
        ]
        self.seen = total_latencies([self.seen, *added])
        for stratum, seen in self.reader.close(self.seen).items():
            self.evidence = self.evidence.update([window(stratum, seen, requests)])


def window(stratum: str, seen: Slowness, requests: int) -> StratumWindow:
    canary, control = seen.canary, seen.control
    return StratumWindow(
        stratum,
        ArmCounts(requests, timed=canary.requests, slow=canary.events),
        ArmCounts(requests, timed=control.requests, slow=control.events),
    )


def slower(usual: Draw, factor: float) -> Draw:
    return lambda rng: factor * usual(rng)


@pytest.mark.parametrize("usual", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
@pytest.mark.parametrize("factor", [1.0, 1.05, 1.25])
def test_a_healthy_release_that_is_a_little_slower_is_never_condemned(usual, factor):
    rollout = Rollout(usual)

    for _ in range(800):
        rollout.read(slower(usual, factor))

    assert rollout.evidence.peak_log_e < 1.0


@pytest.mark.parametrize("usual", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_a_release_that_takes_three_times_as_long_is_found(usual):
    rollout = Rollout(usual)

    readings = 0
    while not rollout.evidence.decided and readings < 200:
        rollout.read(slower(usual, 3.0))
        readings += 1

    # Heavy tails and few slow requests take longest: a minute and a half at this rate.
    assert rollout.evidence.decided
    assert readings <= 45
    (reason, *_) = rollout.evidence.leading(1)
    assert (reason.stratum, reason.metric) == ("sign_in", "slow")
    assert "far slower" in reason.text


@pytest.mark.parametrize("usual", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_a_surge_that_slows_both_arms_down_is_no_evidence(usual):
    rollout = Rollout(usual)

    for _ in range(300):
        rollout.read(slower(usual, 4.0), slower(usual, 4.0))

    assert rollout.evidence.peak_log_e < 1.0


def test_a_fresh_candidate_with_cold_caches_is_not_condemned():
    usual = DISTRIBUTIONS["a hash of always the same cost"]
    rollout = Rollout(usual)

    for number in range(600):
        # Two in three of the first reading's requests meet what has to be loaded or connected.
        cold = number == 0
        rollout.read(lambda rng, cold=cold: 900.0 if cold and rng.random() < 0.7 else usual(rng))

    assert rollout.evidence.peak_log_e < 1.0


def test_the_first_requests_of_a_canary_do_not_count():
    reader = SlownessReader(durations(Arm.STABLE, [40.0] * PAST_MIN))
    seen = total_latencies(
        [
            durations(Arm.STABLE, [40.0] * PAST_MIN),
            durations(Arm.CANARY, [900.0] * WARM_UP_REQUESTS),
            durations(Arm.CONTROL, [40.0] * WARM_UP_REQUESTS),
        ]
    )
    assert reader.close(seen) == {}

    more = total_latencies(
        [seen, durations(Arm.CANARY, [900.0, 41.0]), durations(Arm.CONTROL, [40.0])]
    )
    assert reader.close(more) == {"sign_in": Slowness(Trials(2, 1), Trials(1, 0))}


def test_a_threshold_comes_from_the_past_never_from_what_it_is_held_against():
    rollout = Rollout(lambda _: 40.0)
    rollout.read(lambda _: 40.0)

    # Control itself becomes slow: held against what it was before, all of it is slow.
    rollout.seen = total_latencies([rollout.seen, durations(Arm.CONTROL, [800.0] * 5000)])
    (seen,) = rollout.reader.close(rollout.seen).values()
    assert seen.control == Trials(5000, 5000)
    # From then on it is usual.
    rollout.seen = total_latencies([rollout.seen, durations(Arm.CONTROL, [800.0] * 10)])
    (seen,) = rollout.reader.close(rollout.seen).values()
    assert seen.control == Trials(10, 0)


@pytest.mark.parametrize(
    ("milliseconds", "slow_from_ms"),
    [(40.0, 65), (1.0, 30), (16.0, 30), (90.0, 150), (400.0, 750)],
)
def test_slow_is_above_the_bucket_after_that_of_the_percentile(milliseconds, slow_from_ms):
    (past,) = durations(Arm.STABLE, [milliseconds] * PAST_MIN).buckets.values()
    threshold = threshold_of(past)
    assert threshold is not None
    assert DURATION_BUCKETS_MS[threshold] == slow_from_ms


def test_too_little_is_known_of_too_few_requests():
    (past,) = durations(Arm.STABLE, [40.0] * (PAST_MIN - 1)).buckets.values()
    assert threshold_of(past) is None
    assert SlownessReader(durations(Arm.STABLE, [40.0])).close(Latencies()) == {}


def test_kinds_have_thresholds_of_their_own():
    quick = durations(Arm.STABLE, [1.0] * 900)
    hashed = durations(Arm.STABLE, [400.0] * PAST_MIN, Kind.PASSWORD)
    before = total_latencies(
        [
            quick,
            hashed,
            durations(Arm.CANARY, [1.0] * 30),
            durations(Arm.CANARY, [400.0] * 30, Kind.PASSWORD),
        ]
    )
    reader = SlownessReader(total_latencies([quick, hashed]))
    reader.close(before)

    seen = reader.close(
        total_latencies([before, durations(Arm.CANARY, [600.0] * 3, Kind.PASSWORD)])
    )

    assert seen["sign_in.password"].canary == Trials(3, 0)
    assert seen["sign_in"].canary == Trials(3, 0)


def test_only_the_classes_that_a_change_is_compared_on_are_read():
    safe, unsafe = service_strata("orders", 1)
    past = total_latencies(
        durations(Arm.STABLE, [40.0] * PAST_MIN, route_class=name)
        for name in ("sign_in", safe, unsafe, "service_bills_1_safe")
    )
    added = total_latencies(
        durations(Arm.CANARY, [900.0] * 30, route_class=name)
        for name in ("sign_in", safe, "service_bills_1_safe")
    )
    of_service = SlownessReader(past, service_strata("orders", 1))
    of_identity = SlownessReader(past)
    for reader in (of_service, of_identity):
        reader.close(total_latencies([past, added]))

    seen = total_latencies([past, added, added])

    assert of_service.close(seen) == {safe: Slowness(Trials(30, 30), Trials(0, 0))}
    assert of_identity.close(seen) == {"sign_in": Slowness(Trials(30, 30), Trials(0, 0))}


def test_ends_of_buckets_lie_so_far_apart_as_the_promise_needs():
    noticeable = [each for each in DURATION_BUCKETS_MS if each >= 30]
    steps = [b / a for a, b in pairwise(noticeable)]
    assert min(steps) > 1.25, "slower by a quarter must never pass a whole bucket"
    two_steps = [b / a for a, b in zip(noticeable, noticeable[2:], strict=False)]
    assert max(two_steps) < 3.0, "three times as slow must pass the end of the next bucket"
