"""Which requests were slow, from the edge's durations: what evidence compares beside outcomes.

The threshold of a stratum is fixed before the requests that it is held against, from the past of
the last good version, in both arms that it serves: the 95th percentile lies in one bucket of
durations, and what took longer than the *next* bucket's end is slow. Ends lie at least a third
apart, so a release that is slower by a quarter has hardly more slow requests than the last good
version, whatever the distribution; one that takes three times as long passes two ends.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from ostiary.changes.evidence.counts import Trials
from ostiary.edge.access_stats import DURATION_BUCKETS_MS
from ostiary.edge.latencies import Latencies, LatencyKey, latency_difference
from ostiary.edge.route_classes import CLASS_NAMES, Arm, Served
from ostiary.kernel.request_kinds import stratum_name

PAST_MIN = 200
"""Requests of the last good version in a stratum before its percentile is believed."""

WARM_UP_REQUESTS = 25
"""First requests of the canary in a stratum that do not count: caches and connections are cold."""

_PAST_MAX = 20_000
"""Above so many requests the past fades by halves, so that the percentile follows the day."""

_QUANTILE = 0.95
_NOTICEABLE_MS = 30
"""What is answered as fast as this is not slow, however fast the last good version is."""

_NONE = (0,) * len(DURATION_BUCKETS_MS)
_Buckets = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slowness:
    """One stratum between two readings: requests with a known duration, and slow ones, per arm."""

    canary: Trials
    control: Trials


class SlownessReader:
    """Turns readings of the edge's durations into numbers of slow requests."""

    def __init__(self, first: Latencies, classes: Collection[str] = CLASS_NAMES) -> None:
        """Count from a first reading; what was served before it is the past as well.

        `classes` are the classes of routes that are looked at, by default identity's.
        """
        self._classes = frozenset(classes)
        self._last = first
        self._thresholds: dict[str, int] = {}
        self._warm_up: Counter[str] = Counter()
        self._buckets: dict[str, _Buckets] = {}
        self._remember(first)

    def close(self, reading: Latencies) -> dict[str, Slowness]:
        """Return what was added since the last reading, for strata that have a threshold.

        What is remembered of it counts only for the readings that follow.
        """
        added = latency_difference(reading, self._last)
        canary, control = self._by_stratum(added, Arm.CANARY), self._by_stratum(added, Arm.CONTROL)
        found = {
            stratum: Slowness(
                _slow(canary.get(stratum, _NONE), threshold),
                _slow(control.get(stratum, _NONE), threshold),
            )
            for stratum, threshold in self._thresholds.items()
            if self._warm_up[stratum] >= WARM_UP_REQUESTS
            and (stratum in canary or stratum in control)
        }
        for stratum, counts in canary.items():
            self._warm_up[stratum] += sum(counts)
        self._last = reading
        self._remember(added)
        return found

    def _remember(self, added: Latencies) -> None:
        for arm in (Arm.STABLE, Arm.CONTROL):
            for stratum, counts in self._by_stratum(added, arm).items():
                past = _faded(_sum(self._buckets.get(stratum, _NONE), counts))
                self._buckets[stratum] = past
                if (threshold := threshold_of(past)) is not None:
                    self._thresholds[stratum] = threshold

    def _by_stratum(self, latencies: Latencies, arm: Arm) -> dict[str, _Buckets]:
        """Return one arm's first attempts at its own version, per class and per kind in it."""
        own = Served.CANARY if arm is Arm.CANARY else Served.LAST_GOOD
        found: dict[str, _Buckets] = {}
        for key, counts in latencies.buckets.items():
            looked_at = key.route_class in self._classes
            if looked_at and key.arm is arm and key.served is own and key.first:
                for stratum in _strata_of(key):
                    found[stratum] = _sum(found.get(stratum, _NONE), counts)
        return found


def threshold_of(past: _Buckets) -> int | None:
    """Return the index of the last bucket that is not slow; None where too little is known."""
    total = sum(past)
    if total < PAST_MIN:
        return None
    up_to, usual = 0, 0
    for index, count in enumerate(past):
        up_to += count
        if up_to >= _QUANTILE * total:
            usual = index
            break
    noticeable = DURATION_BUCKETS_MS.index(_NOTICEABLE_MS)
    return max(usual + 1, noticeable)


def _faded(past: _Buckets) -> _Buckets:
    while sum(past) > _PAST_MAX:
        past = tuple(count // 2 for count in past)
    return past


def _slow(counts: _Buckets, threshold: int) -> Trials:
    return Trials(sum(counts), sum(counts[threshold + 1 :]))


def _strata_of(key: LatencyKey) -> list[str]:
    if key.kind is None:
        return [key.route_class]
    return [key.route_class, stratum_name(key.route_class, key.kind)]


def _sum(one: _Buckets, other: _Buckets) -> _Buckets:
    return tuple(a + b for a, b in zip(one, other, strict=True))
