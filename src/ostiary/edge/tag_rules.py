"""How values that a release or a client can choose become words of a closed list.

They are rules of Envoy's stats access logger, one set for each tag; see `access_stats`.
"""

from ostiary.edge.route_classes import Served
from ostiary.edge.service_answers import ServiceAnswer
from ostiary.edge.xds import JsonObject
from ostiary.kernel.outcomes import Outcome, OutcomeClass, classify, plainly_good
from ostiary.kernel.request_kinds import KINDS, Kind
from ostiary.kernel.subjects import SUBJECT_BUCKETS

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
NO_STATUS = "none"
"""Status class of an answer that never began, such as when the client went away."""

BROKEN_STATUS = "broken"
"""Status class of an answer that began well and was never completed by its replica."""

FIRST_ATTEMPT = "1"
LATER_ATTEMPT = "2"

NO_KIND = "none"
"""Kind of an attempt that named none, or none that its route class has."""

NO_SUBJECT = "none"
"""Bucket of an answer that is not good, or that names no bucket."""

_TAG_VALUE = (
    "type.googleapis.com/envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput"
)
_TRANSFORM = "type.googleapis.com/envoy.extensions.matching.actions.transform_stat.v3.TransformStat"
_OUTCOME_START = "[A-Za-z0-9._-]{1,64}/"
_OUTCOME = _OUTCOME_START + "[a-z_]{1,40}"
_COMPLETED = f"{_OUTCOME} [1-4][0-9][0-9] -"
_FAILED = f"{_OUTCOME} 5[0-9][0-9] -"
# What a service's cluster says of its answers in place of an outcome.
_BY_STATUS = f"({'|'.join(Served)})/[0-9]{{3}}"
_GOOD = f"{_BY_STATUS} [23][0-9][0-9] -"
_REFUSED = f"{_BY_STATUS} 4[0-9][0-9] -"
# No answer, and nothing that the replica did: the client went away.
_LEFT = " 0 -"
# The replica reset or closed the connection, broke the protocol, or ran out of time.
_BROKEN = "[1-4][0-9][0-9] (.*,)?(UC|UF|UR|UPE|UT|LR)(,.*)?"


def attempt_rules() -> JsonObject:
    """Return what makes a first or a later attempt of the number of one."""
    first = _when({"exact": "1"}, FIRST_ATTEMPT)
    return {"matcher_list": {"matchers": [first]}, "on_no_match": _become(LATER_ATTEMPT)}


def status_rules() -> JsonObject:
    """Return what makes a class of the status and the flags of an answer."""
    matchers = [_when(_regex(_BROKEN), BROKEN_STATUS)]
    matchers += [_when({"prefix": each[0]}, each) for each in STATUS_CLASSES]
    return {"matcher_list": {"matchers": matchers}, "on_no_match": _become(NO_STATUS)}


def kind_rules() -> JsonObject:
    """Return what makes a kind of a route's name and of what an answer says of its request.

    One class's kinds are looked at on its own routes only, so that there are few names.
    """
    classes = [_kinds_of(route_class, kinds) for route_class, kinds in KINDS.items()]
    return {"matcher_list": {"matchers": classes}, "on_no_match": _become(NO_KIND)}


def _kinds_of(route_class: str, kinds: tuple[Kind, ...]) -> JsonObject:
    # The value is the route's name, a blank, and the header; a header may hold further blanks.
    known = [_when(_regex(rf"{route_class}\.[a-z]+ {kind.value}"), kind.value) for kind in kinds]
    inner = {"matcher_list": {"matchers": known}, "on_no_match": _become(NO_KIND)}
    predicate = _value_is({"prefix": f"{route_class}."})
    return {"predicate": predicate, "on_match": {"matcher": inner}}


def read_kind(route_class: str, word: str | None) -> Kind | None:
    """Return the kind that a counter's name says; an Envoy of an earlier guard says none."""
    return next((kind for kind in KINDS.get(route_class, ()) if kind.value == word), None)


def subject_rules() -> JsonObject:
    """Return what makes a bucket of what a good answer says of its subject."""
    buckets = [str(bucket) for bucket in range(SUBJECT_BUCKETS)]
    good = "|".join(outcome.value for outcome in plainly_good())
    # An attempt's end, a blank, and the bucket.
    named = rf"{_OUTCOME_START}({good}) [1-4][0-9][0-9] - [0-9]{{1,2}}"
    inner = {
        "matcher_list": {"matchers": [_when({"suffix": f" - {each}"}, each) for each in buckets]},
        "on_no_match": _become(NO_SUBJECT),
    }
    outer = {"predicate": _value_is(_regex(named)), "on_match": {"matcher": inner}}
    return {"matcher_list": {"matchers": [outer]}, "on_no_match": _become(NO_SUBJECT)}


def outcome_rules() -> JsonObject:
    """Return what makes an outcome of an attempt's end.

    A release cannot call a failure by a good name: what was not completed is `other`, and so is a
    5xx answer whose outcome is not a fault. What services answer becomes a `ServiceAnswer`.
    """
    faults = [each for each in Outcome if classify(each) is OutcomeClass.FAULT]
    return {
        "matcher_list": {
            "matchers": [
                _one_of(_COMPLETED, list(Outcome)),
                _one_of(_FAILED, faults),
                _when(_regex(_GOOD), ServiceAnswer.GOOD),
                _when(_regex(_REFUSED), ServiceAnswer.REFUSED),
                _when({"exact": _LEFT}, ServiceAnswer.LEFT),
            ]
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
