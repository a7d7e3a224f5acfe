"""Counting in Envoy itself: every attempt and every final answer, by names that cannot grow.

Envoy's stats access logger writes one counter per combination of tag values. A value that a
release or a client can choose would let the counters grow without end, so every such value is
mapped to a closed list, and what is not on it counts as `other`. The cost does not grow with
traffic: the guard reads totals.

The logger is marked as work in progress by Envoy; its form here is the one of version 1.40.
"""

from ostiary.edge.clusters import METADATA, SERVED_KEY
from ostiary.edge.route_classes import CLASS_NAMES, Arm, Served
from ostiary.edge.xds import JsonObject
from ostiary.kernel.outcomes import (
    ATTEMPT_HEADER,
    OUTCOME_HEADER,
    Outcome,
    OutcomeClass,
    classify,
)

PREFIX = "ostiary"
TOTAL_PREFIX = "ostiary_total"
ATTEMPT_STAT = "attempt"
FINAL_STAT = "final"
DURATION_STAT = "duration"

DURATION_BUCKETS_MS = (
    1,
    2,
    5,
    10,
    20,
    30,
    50,
    75,
    100,
    150,
    200,
    300,
    500,
    1000,
    2000,
    5000,
    30000,
)
"""Upper ends of the buckets in which attempts are counted by their milliseconds."""

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
NO_STATUS = "none"
"""Status class of an answer that never began, such as when the client went away."""

BROKEN_STATUS = "broken"
"""Status class of an answer that began well and was never completed by its replica."""

FIRST_ATTEMPT = "1"
LATER_ATTEMPT = "2"

_ROUTES = len(CLASS_NAMES) * len(Arm) + 2
MAX_COUNTERS = _ROUTES * (len(Served) + 1) * 2 * len(Outcome) + _ROUTES * (len(STATUS_CLASSES) + 2)
"""More counters than the closed lists can make. Envoy drops what is above it and tells nobody, so
each kind is also counted in all, apart; what is missing in the sum is the alarm."""

_STATS = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config"
_TAG_VALUE = (
    "type.googleapis.com/envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput"
)
_TRANSFORM = "type.googleapis.com/envoy.extensions.matching.actions.transform_stat.v3.TransformStat"
# Outcome header, status, and Envoy's flags of the attempt: without a flag it was completed.
_ATTEMPT_END = f"%RESP({OUTCOME_HEADER})% %RESPONSE_CODE% %RESPONSE_FLAGS%"
_OUTCOME = "[A-Za-z0-9._-]{1,64}/[a-z_]{1,40}"
_COMPLETED = f"{_OUTCOME} [1-4][0-9][0-9] -"
_FAILED = f"{_OUTCOME} 5[0-9][0-9] -"
# The replica reset or closed the connection, broke the protocol, or ran out of time.
_BROKEN = "[1-4][0-9][0-9] (.*,)?(UC|UF|UR|UPE|UT|LR)(,.*)?"


def attempt_logs() -> list[JsonObject]:
    """Return the loggers for the router's `upstream_log`: one count per attempt."""
    served = _tag("served", f"%UPSTREAM_METADATA({METADATA}:{SERVED_KEY})%")
    attempt = _tag("attempt", f"%REQ({ATTEMPT_HEADER})%", _attempt_rules())
    outcome = _tag("outcome", _ATTEMPT_END, _outcome_rules())
    counter = _counter(ATTEMPT_STAT, [_route_tag(), served, attempt, outcome])
    duration = {
        "stat": {"name": DURATION_STAT, "tags": [_route_tag(), served, attempt]},
        "unit": "Milliseconds",
        "value_format": "%DURATION%",
    }
    return [
        _stats_log(PREFIX, MAX_COUNTERS, counters=[counter], histograms=[duration]),
        _stats_log(TOTAL_PREFIX, 1, counters=[_counter(ATTEMPT_STAT, [])]),
    ]


def final_logs() -> list[JsonObject]:
    """Return the loggers for the connection manager: one count per answer that users saw."""
    status = _tag("status", "%RESPONSE_CODE% %RESPONSE_FLAGS%", _status_rules())
    counter = _counter(FINAL_STAT, [_route_tag(), status])
    return [
        _stats_log(PREFIX, MAX_COUNTERS, counters=[counter]),
        _stats_log(TOTAL_PREFIX, 1, counters=[_counter(FINAL_STAT, [])]),
    ]


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


def _attempt_rules() -> JsonObject:
    first = _when({"exact": "1"}, FIRST_ATTEMPT)
    return {"matcher_list": {"matchers": [first]}, "on_no_match": _become(LATER_ATTEMPT)}


def _status_rules() -> JsonObject:
    matchers = [_when(_regex(_BROKEN), BROKEN_STATUS)]
    matchers += [_when({"prefix": each[0]}, each) for each in STATUS_CLASSES]
    return {"matcher_list": {"matchers": matchers}, "on_no_match": _become(NO_STATUS)}


def _outcome_rules() -> JsonObject:
    """Return what makes an outcome of an attempt's end.

    A release cannot call a failure by a good name: what was not completed is `other`, and so is a
    5xx answer whose outcome is not a fault.
    """
    faults = [each for each in Outcome if classify(each) is OutcomeClass.FAULT]
    return {
        "matcher_list": {
            "matchers": [_one_of(_COMPLETED, list(Outcome)), _one_of(_FAILED, faults)]
        },
        "on_no_match": _become(Outcome.OTHER.value),
    }


def _one_of(form: str, outcomes: list[Outcome]) -> JsonObject:
    # Outcomes are declared with the most frequent first, which is also the order of the tests.
    # The form has one slash and one blank behind the outcome, so a part of it is enough.
    known = [_when({"contains": f"/{outcome.value} "}, outcome.value) for outcome in outcomes]
    inner = {"matcher_list": {"matchers": known}, "on_no_match": _become(Outcome.OTHER.value)}
    return {"predicate": _value_is(_regex(form)), "on_match": {"matcher": inner}}


def _regex(expression: str) -> JsonObject:
    return {"safe_regex": {"regex": expression, "google_re2": {}}}


def _when(string_match: JsonObject, new_value: str) -> JsonObject:
    return {"predicate": _value_is(string_match), "on_match": _become(new_value)}


def _value_is(string_match: JsonObject) -> JsonObject:
    value = {"name": "tag value", "typed_config": {"@type": _TAG_VALUE}}
    return {"single_predicate": {"input": value, "value_match": string_match}}


def _become(new_value: str) -> JsonObject:
    update = {"@type": _TRANSFORM, "update_tag": {"new_tag_value": new_value}}
    return {"action": {"name": new_value, "typed_config": update}}
