"""Holding an answer against what a step expects of it."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus

from ostiary.watch.own_journeys.json_values import (
    NOTHING,
    as_text,
    json_of,
    json_value,
    parse_json_path,
)
from ostiary.watch.own_journeys.patterns import compile_pattern
from ostiary.watch.own_journeys.redaction import Redactor
from ostiary.watch.own_journeys.settings import ExpectSettings
from ostiary.watch.own_journeys.sources import parse_source
from ostiary.watch.own_journeys.values import Values
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind

Difference = tuple[str, str, FailureKind]
"""What was expected, what came, and how bad that is."""


def first_difference(answer: Answer, expected: ExpectSettings, values: Values) -> Difference | None:
    """Return the first thing in which an answer is not as it must be, None where there is none.

    Expected values are told as they stand in the settings, with their inserts, never as filled.
    Raises `NoValueError` where one cannot be filled.
    """
    return next(_differences(answer, expected, values), None)


def _differences(answer: Answer, expected: ExpectSettings, values: Values) -> Iterator[Difference]:
    redactor = values.redactor
    if answer.status != expected.status:
        kind = _kind(answer.status, expected.status)
        yield f"HTTP {expected.status}", came(answer, redactor), kind
    wrong = FailureKind.WRONG_CONTENT
    for name, text in expected.headers.items():
        value = answer.headers.get(name)
        if value is None or value.strip() != values.fill(text):
            yield f"header {name}: {text}", _header(value, redactor), wrong
    for expectation, got in _json_differences(answer, expected, values):
        yield expectation, got, wrong
    if expected.contains and values.fill(expected.contains) not in answer.text:
        yield f"a body that holds {expected.contains}", came(answer, redactor), wrong
    for source, pattern in expected.match.items():
        value = parse_source(source, whole_body=True).read(answer)
        if value is NOTHING or compile_pattern(pattern).search(as_text(value)) is None:
            yield f"{source} to match {pattern}", _shown(value, redactor), wrong
    for source in expected.absent:
        value = parse_source(source).read(answer)
        if value is not NOTHING:
            yield f"nothing at {source}", _shown(value, redactor), wrong


def _json_differences(
    answer: Answer, expected: ExpectSettings, values: Values
) -> Iterator[tuple[str, str]]:
    if not expected.json_body:
        return
    document = json_of(answer.body)
    if not isinstance(document, Mapping | list):
        yield "a JSON body", came(answer, values.redactor)
        return
    for path, wanted in expected.json_body.items():
        filled = values.fill(wanted) if isinstance(wanted, str) else wanted
        value = json_value(document, parse_json_path(path))
        # In Python, but not in JSON, true is 1.
        if value != filled or isinstance(value, bool) != isinstance(filled, bool):
            yield f"{path} = {as_text(wanted)} in the JSON body", _shown(value, values.redactor)


def came(answer: Answer, redactor: Redactor) -> str:
    """Return what came in a few words, without secrets."""
    parts = [f"HTTP {answer.status}"]
    if answer.is_redirect:
        # A code or a state stands in the query.
        where = answer.location.partition("?")[0].partition("#")[0]
        parts.append(f"to {redactor.shown(where)}")
    if answer.outcome is not None:
        parts.append(f"outcome {answer.outcome.value}")
    body = redactor.shown(answer.text)
    if body and not answer.is_redirect:
        parts.append(f"body {body}")
    return ", ".join(parts)


def _header(value: str | None, redactor: Redactor) -> str:
    return "no such header" if value is None else _shown(value, redactor)


def _shown(value: object, redactor: Redactor) -> str:
    return "nothing there" if value is NOTHING else redactor.shown(as_text(value)) or "empty text"


def _kind(status: int, expected: int) -> FailureKind:
    """Return how a wrong status failed: what was granted against the expectation is worst."""
    refusals = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureKind.FAULT
    if status in refusals:
        return FailureKind.WRONG_CONTENT if expected in refusals else FailureKind.REFUSED
    return FailureKind.GRANTED if expected in refusals else FailureKind.WRONG_CONTENT
