"""How long attempts took, in fixed buckets that can be added and subtracted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.edge.access_stats import DURATION_BUCKETS_MS, DURATION_STAT, PREFIX
from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.tag_rules import FIRST_ATTEMPT, read_kind
from ostiary.kernel.request_kinds import Kind

DURATION_FILTER = rf"^{PREFIX}\.{DURATION_STAT}\."
"""The regular expression for Envoy's `/stats` that selects what `parse_latencies` reads."""

_NAME = re.compile(
    rf"{PREFIX}\.{DURATION_STAT}\.route\.(\w+)\.({'|'.join(arm.value for arm in Arm)})"
    rf"\.served\.({'|'.join(each.value for each in Served)})\.attempt\.(\d)(?:\.kind\.(\w+))?"
)


@dataclass(frozen=True, slots=True)
class LatencyKey:
    """Which attempts: route class, arm, whose replica, whether the first ones, and the kind."""

    route_class: str
    arm: Arm
    served: Served
    first: bool
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Latencies:
    """Numbers of attempts by duration.

    The counts of a key belong to `DURATION_BUCKETS_MS`, each counting what took longer than the
    bucket before and at most its own milliseconds.
    """

    buckets: Mapping[LatencyKey, tuple[int, ...]] = field(default_factory=dict)


def parse_latencies(answer: Mapping[str, Any]) -> Latencies:
    """Return the durations in Envoy's JSON of histograms with disjoint buckets."""
    found: dict[LatencyKey, tuple[int, ...]] = {}
    for entry in answer.get("stats", ()):
        for histogram in entry.get("histograms", ()):
            if match := _NAME.fullmatch(histogram["name"]):
                key = LatencyKey(
                    match[1],
                    Arm(match[2]),
                    Served(match[3]),
                    match[4] == FIRST_ATTEMPT,
                    read_kind(match[1], match[5]),
                )
                counts = tuple(bucket["cumulative"] for bucket in histogram["buckets"])
                # An Envoy that an earlier guard started may have other buckets: not comparable.
                if len(counts) == len(DURATION_BUCKETS_MS):
                    found[key] = counts
    return Latencies(found)


def total_latencies(parts: Iterable[Latencies]) -> Latencies:
    """Return the sum of the durations of several Envoys."""
    found: dict[LatencyKey, tuple[int, ...]] = {}
    for part in parts:
        for key, counts in part.buckets.items():
            before = found.get(key, (0,) * len(DURATION_BUCKETS_MS))
            found[key] = tuple(a + b for a, b in zip(before, counts, strict=True))
    return Latencies(found)


def latency_difference(new: Latencies, old: Latencies) -> Latencies:
    """Return what was added after `old` was read; a histogram that is lower begins anew.

    Both are of one Envoy, which forgets as it does counters, see `edge.counters`.
    """
    found: dict[LatencyKey, tuple[int, ...]] = {}
    for key, counts in new.buckets.items():
        before = old.buckets.get(key, (0,) * len(counts))
        added = tuple(a - b for a, b in zip(counts, before, strict=True))
        found[key] = counts if min(added) < 0 else added
    return Latencies(found)
