"""What an answer is held against, and how each difference is told."""

import pytest

from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.watch.own_journeys.conftest import of_json, one_step
from tests.unit.watch.small_provider.wire import Response

DOCUMENT = {
    "token_type": "Bearer",
    "expires_in": 300,
    "active": True,
    "keys": [{"kid": "a"}],
    "https://example.com/tenant": {"id": "t-1"},
}
HEADERS = (("cache-control", "no-store"), ("set-cookie", "seen=yes; Path=/"))


@pytest.mark.parametrize(
    "expect",
    [
        'headers = { "Cache-Control" = "no-store" }',
        'json_body = { token_type = "Bearer", expires_in = 300, active = true }',
        'json_body = { "keys.0.kid" = "a", "\\"https://example.com/tenant\\".id" = "t-1" }',
        'contains = "token_type"',
        'match = { "json:token_type" = "^[A-Z]", "body" = "expires.*active" }',
        'match = { "json:expires_in" = "^3", "cookie:seen" = "yes" }',
        'absent = ["header:x-debug", "json:password", "cookie:debug", "query:code"]',
    ],
)
def test_an_answer_as_expected_passes(application, go, expect):
    application.on("/", of_json(DOCUMENT, *HEADERS))
    (result,) = go(one_step(f'path = "/"\nexpect = {{ status = 200, {expect} }}'))
    assert result.failure is None
    assert result.came.startswith("HTTP 200")


@pytest.mark.parametrize(
    ("expect", "expected", "got"),
    [
        ("status = 201", "HTTP 201", "HTTP 200, body {"),
        (
            'status = 200, headers = { "cache-control" = "private" }',
            "header cache-control: private",
            "no-store",
        ),
        ('status = 200, headers = { "x-tenant" = "a" }', "header x-tenant: a", "no such header"),
        (
            'status = 200, json_body = { "keys.1.kid" = "a" }',
            "keys.1.kid = a in the JSON body",
            "nothing there",
        ),
        ("status = 200, json_body = { active = 1 }", "active = 1 in the JSON body", "true"),
        (
            'status = 200, json_body = { expires_in = "300" }',
            "expires_in = 300 in the JSON body",
            "300",
        ),
        ('status = 200, contains = "refresh"', "a body that holds refresh", "HTTP 200"),
        (
            'status = 200, match = { "json:token_type" = "^bearer$" }',
            "json:token_type to match ^bearer$",
            "Bearer",
        ),
        ('status = 200, absent = ["json:active"]', "nothing at json:active", "true"),
    ],
)
def test_each_difference_is_told_with_what_came(application, go, expect, expected, got):
    application.on("/", of_json(DOCUMENT, *HEADERS))
    (result,) = go(one_step(f'path = "/"\nexpect = {{ {expect} }}'))
    failure = result.failure
    assert failure is not None
    assert (failure.journey, failure.step) == ("journeys.own", "look")
    assert failure.expected == expected
    assert failure.got.startswith(got)
    assert failure.target == "candidate"
    assert failure.stratum == "page"


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        (500, 200, FailureKind.FAULT),
        (500, 401, FailureKind.FAULT),
        (401, 200, FailureKind.REFUSED),
        (200, 401, FailureKind.GRANTED),
        (303, 401, FailureKind.GRANTED),
        (403, 401, FailureKind.WRONG_CONTENT),
        (204, 200, FailureKind.WRONG_CONTENT),
    ],
)
def test_a_wrong_status_says_how_bad_it_is(application, go, status, expected, kind):
    application.on("/", Response(status, ""))
    (result,) = go(one_step(f'path = "/"\nexpect.status = {expected}'))
    assert result.failure.kind is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_told(application, go, body):
    application.on("/", Response(200, "", body))
    (result,) = go(one_step('path = "/"\nexpect = { status = 200, json_body = { a = "b" } }'))
    assert result.failure.expected == "a JSON body"


def test_half_a_character_of_json_breaks_nothing(application, go):
    application.on("/", Response(200, "", b'{"a": "\\ud800"}'))
    (result,) = go(one_step('path = "/"\nexpect = { status = 200, match = { "json:a" = "^x$" } }'))
    assert result.failure.got == "?"


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time(application, go):
    application.on("/", Response(200, "", b"a" * 1_000_000))
    (result,) = go(
        one_step('path = "/"\nexpect = { status = 200, match = { body = "(a*)*a*a*a*b" } }')
    )
    assert result.failure is not None
    assert len(result.failure.got) < 200


def test_a_body_beyond_the_bound_fails_the_step(application, go):
    application.on("/", Response(200, "", b"x" * (1024 * 1024 + 1)))
    (result,) = go(one_step('path = "/"\nexpect.status = 200'))
    assert result.failure.expected == "a body of at most 1048576 bytes"
