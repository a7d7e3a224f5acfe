"""Reading flags, by the service's own way and by OpenFeature's, never fails."""

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from ostiary.identity.flags import Flags, Subject
from ostiary.identity.flags.definition import FlagDefinition
from ostiary.identity.flags.provider import context_of, subject_of

FLAGS = {
    "new_page": FlagDefinition(default=False, variant=True, roles=frozenset({"staff"})),
    "greeting": FlagDefinition(default="hello", variant="good day", percent=50),
    "retries": FlagDefinition(default=3),
    "ratio": FlagDefinition(default=0.5),
}
STAFF = Subject("u-1", frozenset({"staff", "other"}), "app")


@pytest.fixture
def flags():
    return Flags(FLAGS, b"a secret")


def metrics_of(flags):
    registry = CollectorRegistry()
    for collector in flags.collectors:
        registry.register(collector)
    return generate_latest(registry).decode()


def test_each_type_is_read_by_its_own_question(flags):
    assert flags.is_on("new_page", default=False, who=STAFF) is True
    assert flags.is_on("new_page", default=True) is False
    assert flags.text("greeting", default="", who=STAFF) in {"hello", "good day"}
    assert flags.whole_number("retries", default=1) == 3
    assert flags.number("ratio", default=1.0) == 0.5


def test_a_flag_that_is_not_set_gives_the_default_and_is_no_error(flags):
    with capture_logs() as lines:
        assert flags.is_on("gone", default=True) is True
        assert flags.text("gone", default="x") == "x"
        assert flags.whole_number("gone", default=7) == 7
        assert flags.number("gone", default=7.5) == 7.5
    assert lines == []
    assert "gone" not in metrics_of(flags)


def test_what_goes_wrong_gives_the_default_is_counted_and_is_logged_once(flags):
    with capture_logs() as lines:
        for _ in range(3):
            assert flags.is_on("retries", default=True) is True
            assert flags.text("greeting", default="hi") == "hi"
    assert [(line["flag"], line["code"]) for line in lines] == [
        ("retries", "TYPE_MISMATCH"),
        ("greeting", "TARGETING_KEY_MISSING"),
    ]
    told = metrics_of(flags)
    errors = "ostiary_identity_flag_errors_total"
    assert f'{errors}{{code="TYPE_MISMATCH",flag="retries"}} 3.0' in told
    assert f'{errors}{{code="TARGETING_KEY_MISSING",flag="greeting"}} 3.0' in told


def test_true_is_no_whole_number(flags):
    assert flags.whole_number("new_page", default=5) == 5
    assert flags.number("retries", default=0.25) == 0.25


def test_a_release_may_use_openfeature_itself(flags):
    flags.offer_to_everybody()
    try:
        client = api.get_client()
        context = EvaluationContext("u-1", {"roles": ["staff"], "client_id": "app"})
        found = client.get_boolean_details("new_page", False, context)
        assert (found.value, found.variant, found.reason) == (
            True,
            "variant",
            Reason.TARGETING_MATCH,
        )
        missing = client.get_boolean_details("gone", True, context)
        assert (missing.value, missing.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
        wrong = client.get_object_details("retries", {"a": 1})
        assert (wrong.value, wrong.error_code) == ({"a": 1}, ErrorCode.TYPE_MISMATCH)
        for attributes in ({"roles": "staff"}, {"roles": [1]}, {"client_id": 7}, {"roles": 7}):
            bad = client.get_boolean_details("new_page", False, EvaluationContext("u", attributes))
            assert (bad.value, bad.error_code) == (False, ErrorCode.INVALID_CONTEXT)
    finally:
        api.clear_providers()
    assert 'reason="TARGETING_MATCH",variant="variant"' in metrics_of(flags)
    # Names that are in no settings share one series, however many are asked for.
    assert 'flag="gone"' not in metrics_of(flags)


def test_a_subject_survives_the_way_through_a_context():
    assert subject_of(context_of(STAFF)) == STAFF
    assert subject_of(None) == Subject()


def test_a_bug_in_an_evaluation_never_reaches_the_caller(flags, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("ostiary.identity.flags.provider.evaluate", broken)
    assert flags.is_on("new_page", default=True, who=STAFF) is True
    found = flags.resolve("greeting", STAFF)
    assert (found.value, found.error_code) == ("hello", ErrorCode.GENERAL)
