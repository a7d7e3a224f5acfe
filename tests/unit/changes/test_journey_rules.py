"""Own journeys that are as they should be, and those beyond the bounds."""

import pytest

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.kernel.settings import parse_document

STEP = '[[guard.journeys.own.steps]]\nname = "step {0}"\npath = "/"\nexpect.status = 200\n'


def found_in(toml: str) -> list[tuple[str, int | None, str]]:
    configuration = parse_configuration(parse_document(toml, file="ostiary.toml"))
    return [(each.code, each.line, each.message) for each in check_configuration(configuration)]


def step(text: str) -> str:
    return f'[[guard.journeys.own.steps]]\nname = "look"\n{text}\nexpect.status = 200\n'


@pytest.mark.parametrize(
    "text",
    [
        'path = "/"',
        'path = "/a%20b?x=1&y={random}"',
        'path = "/{{x}}"',
        'path = "/{file:/run/secrets/partner}"',
        'method = "POST"\npath = "/"\nform = { password = "{probe.password}" }',
        'method = "POST"\npath = "/"\nform = { client_secret = "wrong-{random}", password = "" }',
        'path = "/"\nheaders = { authorization = "Bearer {env:TOKEN}" }',
        'path = "/"\ncapture = { next_page = "header:x-next", a = "body:(a|(?:b))" }',
    ],
)
def test_what_can_be_sent_is_taken(text):
    assert found_in(step(text)) == []


def test_a_captured_location_may_be_a_whole_path():
    second = step('path = "{next}"').replace("look", "second")
    assert found_in(step('path = "/"\ncapture = { next = "header:location" }') + second) == []


def test_a_step_may_expect_what_was_captured_before_but_not_by_itself():
    expecting = 'path = "/"\nexpect.contains = "{own}"\ncapture = { own = "body:(.*)" }'
    (problem,) = found_in(step(expecting))
    assert problem[0] == "captured_later"
    assert "the step `look` captures it, when its answer has come" in problem[2]


def test_a_value_that_a_later_step_captures_is_told_with_that_step():
    first, second = step('path = "/{own}"'), step('path = "/"\ncapture = { own = "body:(.*)" }')
    (problem,) = found_in(first + second.replace("look", "second"))
    assert problem[0] == "captured_later"
    assert "`second`" in problem[2]


def test_fifty_steps_are_taken_and_one_more_is_not():
    fifty = "".join(STEP.format(number) for number in range(50))
    assert found_in(fifty) == []
    (problem,) = found_in(fifty + STEP.format(50))
    assert problem == (
        "journey_too_long",
        1,
        "`guard.journeys.own.steps` has 51 steps; it can have 50.",
    )


def test_fifty_journeys_are_taken_and_one_more_is_not():
    fifty = "".join(STEP.replace("own", f"own{number}") for number in range(50))
    assert found_in(fifty) == []
    (problem,) = found_in(fifty + STEP)
    assert problem[0] == "journeys_too_many"


@pytest.mark.parametrize("path", ["//host/x", "javascript:x", "mailto:a@b", "HTTP://h"])
def test_nothing_leads_to_another_host(path):
    (problem,) = found_in(step(f'path = "{path}"'))
    assert problem[0] == "path_is_url"
