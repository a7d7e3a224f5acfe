"""Counting in Envoy itself: every attempt and every final answer, by names that cannot grow.

Envoy's stats access logger writes one counter per combination of tag values. A value that a
release or a client can choose would let the counters grow without end, so every such value is
mapped to a closed list, and what is not on it counts as `other`. The cost does not grow with
traffic: the guard reads totals.

The logger is marked as work in progress by Envoy; its form here is the one of version 1.40.
"""

from ostiary.edge.cluster_parts import METADATA, SEAT_KEY, SERVED_KEY
from ostiary.edge.model import SEATS_MAX
from ostiary.edge.route_classes import (
    CLASS_NAMES,
    SERVICE_ROUTES_MAX,
    SERVICES_MAX,
    Arm,
    Served,
)
from ostiary.edge.service_answers import ServiceAnswer
from ostiary.edge.tag_rules import (
    STATUS_CLASSES,
    attempt_rules,
    kind_rules,
    outcome_rules,
    status_rules,
    subject_rules,
)
from ostiary.edge.xds import JsonObject
from ostiary.kernel.outcomes import (
    ATTEMPT_HEADER,
    OUTCOME_HEADER,
    Outcome,
)
from ostiary.kernel.request_kinds import KIND_HEADER, KINDS
from ostiary.kernel.subjects import SUBJECT_BUCKETS, SUBJECT_HEADER

PREFIX = "ostiary"
TOTAL_PREFIX = "ostiary_total"
SEAT_PREFIX = "ostiary_seats"
SUBJECT_PREFIX = "ostiary_subjects"
ATTEMPT_STAT = "attempt"
FINAL_STAT = "final"
SEAT_STAT = "seat"
SUBJECT_STAT = "granted"
DURATION_STAT = "duration"

DURATION_BUCKETS_MS = (
    1,
    2,
    3,
    5,
    7,
    10,
    15,
    20,
    30,
    45,
    65,
    100,
    150,
    225,
    350,
    500,
    750,
    1000,
    1500,
    2250,
    3500,
    5000,
    7500,
    11000,
    16000,
    30000,
)
"""Upper ends of the buckets in which attempts are counted by their milliseconds.

From 10 ms on each is 1.3 to 1.9 times the one before, so that a release that is three times as
slow passes two ends, and one that is a little slower never does."""

_ROUTES = len(CLASS_NAMES) * len(Arm) + 2
_KINDS = sum(map(len, KINDS.values())) * len(Arm)
_ATTEMPTS = (_ROUTES + _KINDS) * (len(Served) + 1) * 2 * len(Outcome)
_STATUSES = len(STATUS_CLASSES) + 2
# Attempts at other services differ in few words, and these are not the service's.
_SERVICE_ROUTES = SERVICES_MAX * SERVICE_ROUTES_MAX * 2 * len(Arm)
_OF_SERVICES = _SERVICE_ROUTES * ((len(Served) + 1) * 2 * len(ServiceAnswer) + _STATUSES)
MAX_COUNTERS = _ATTEMPTS + _ROUTES * _STATUSES + _OF_SERVICES
"""More counters than the closed lists can make. Envoy drops what is above it and tells nobody, so
each kind is also counted in all, apart; what is missing in the sum is the alarm."""

_SUBJECT_COUNTERS_MAX = (_ROUTES + _KINDS) * (SUBJECT_BUCKETS + 1)
_SEAT_COUNTERS_MAX = SEATS_MAX * len(Arm) * (1 + SERVICES_MAX) * len(Served) * 2

_STATS = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config"
# Outcome header, status, and Envoy's flags of the attempt: without a flag it was completed.
_ATTEMPT_END = f"%RESP({OUTCOME_HEADER})% %RESPONSE_CODE% %RESPONSE_FLAGS%"


def attempt_logs() -> list[JsonObject]:
    """Return the loggers for the router's `upstream_log`: one count per attempt, twice over.

    By what came of it, and by the seat that it went to: both together would be too many names.
    """
    served = _tag("served", f"%UPSTREAM_METADATA({METADATA}:{SERVED_KEY})%")
    attempt = _tag("attempt", f"%REQ({ATTEMPT_HEADER})%", attempt_rules())
    outcome = _tag("outcome", _ATTEMPT_END, outcome_rules())
    kind = _tag("kind", f"%ROUTE_NAME% %RESP({KIND_HEADER})%", kind_rules())
    cluster = _tag("cluster", "%UPSTREAM_CLUSTER%")
    seat = _tag("number", f"%UPSTREAM_METADATA({METADATA}:{SEAT_KEY})%")
    counter = _counter(ATTEMPT_STAT, [_route_tag(), served, attempt, outcome, kind])
    by_seat = _counter(SEAT_STAT, [cluster, served, attempt, seat])
    duration = {
        "stat": {"name": DURATION_STAT, "tags": [_route_tag(), served, attempt, kind]},
        "unit": "Milliseconds",
        "value_format": "%DURATION%",
    }
    return [
        _stats_log(PREFIX, MAX_COUNTERS, counters=[counter], histograms=[duration]),
        _stats_log(SEAT_PREFIX, _SEAT_COUNTERS_MAX, counters=[by_seat]),
        _subject_log(kind),
        _stats_log(TOTAL_PREFIX, 1, counters=[_counter(ATTEMPT_STAT, [])]),
    ]


def final_logs() -> list[JsonObject]:
    """Return the loggers for the connection manager: one count per answer that users saw."""
    status = _tag("status", "%RESPONSE_CODE% %RESPONSE_FLAGS%", status_rules())
    counter = _counter(FINAL_STAT, [_route_tag(), status])
    return [
        _stats_log(PREFIX, MAX_COUNTERS, counters=[counter]),
        _stats_log(TOTAL_PREFIX, 1, counters=[_counter(FINAL_STAT, [])]),
    ]


def _subject_log(kind: JsonObject) -> JsonObject:
    """Return the logger that counts second opinions by the bucket of whom they were good for."""
    value = f"{_ATTEMPT_END} %RESP({SUBJECT_HEADER})%"
    subject = _tag("subject", value, subject_rules())
    counter = _counter(SUBJECT_STAT, [_route_tag(), kind, subject])
    first = {"name": ATTEMPT_HEADER, "string_match": {"exact": "1"}, "invert_match": True}
    return {
        **_stats_log(SUBJECT_PREFIX, _SUBJECT_COUNTERS_MAX, counters=[counter]),
        "filter": {"header_filter": {"header": first}},
    }


def stats_settings() -> JsonObject:
    """Return the bootstrap's `stats_config`: fixed buckets for the durations."""
    return {
        "histogram_bucket_settings": [
            {
                "match": {"prefix": f"{PREFIX}.{DURATION_STAT}"},
                "buckets": list(DURATION_BUCKETS_MS),
            }
        ]
    }


def _stats_log(
    prefix: str,
    max_counters: int,
    *,
    counters: list[JsonObject],
    histograms: list[JsonObject] | None = None,
) -> JsonObject:
    return {
        "name": "envoy.access_loggers.stats",
        "typed_config": {
            "@type": _STATS,
            "stats_scope": {"prefix": prefix, "max_counters": max_counters},
            "counters": counters,
            "histograms": histograms or [],
        },
    }


def _counter(name: str, tags: list[JsonObject]) -> JsonObject:
    return {"stat": {"name": name, "tags": tags}, "value_fixed": 1}


def _route_tag() -> JsonObject:
    return _tag("route", "%ROUTE_NAME%")


def _tag(name: str, value_format: str, rules: JsonObject | None = None) -> JsonObject:
    tag: JsonObject = {"name": name, "value_format": value_format}
    if rules is not None:
        tag["rules"] = rules
    return tag
