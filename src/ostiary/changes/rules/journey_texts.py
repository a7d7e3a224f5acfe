"""Rules about the small languages of own journeys: inserts, sources, regular expressions."""

import difflib
from collections.abc import Iterator, Sequence

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.journeys import journeys_of, steps_of
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.watch.own_journeys.json_values import SourceError, parse_json_path
from ostiary.watch.own_journeys.patterns import PatternError, compile_pattern
from ostiary.watch.own_journeys.settings import JourneySettings, StepSettings
from ostiary.watch.own_journeys.sources import parse_source
from ostiary.watch.own_journeys.templates import (
    NAME_WORDS,
    RESERVED,
    TemplateError,
    inserts_of,
    is_capture_name,
    texts_in,
)

_REQUEST_TEXTS = ("path", "query", "headers", "form", "json_body", "text_body")
_EXPECTED_TEXTS = ("headers", "json_body", "contains")


def inserts_are_known_and_captured_before(configuration: Configuration) -> Iterator[Finding]:
    """Object to inserts that nothing could fill when their step runs."""
    for written in journeys_of(configuration):
        captured: list[str] = []
        for position, step in enumerate(written.journey.steps):
            key = written.key("steps", position)
            for path, text in _texts_of(step):
                try:
                    inserts = inserts_of(text)
                except TemplateError as error:
                    at = (*key, *path)
                    message = f"`{dotted(at)}` cannot be read: {error}."
                    yield Finding(at, "insert_unknown", message, error.hint)
                    continue
                for insert in inserts:
                    if insert.is_captured and insert.name not in captured:
                        yield _not_captured((*key, *path), insert.name, captured, written.journey)
            captured += step.capture


def _texts_of(step: StepSettings) -> Iterator[tuple[KeyPath, str]]:
    """Yield every text of a step in which inserts are filled."""
    for table in _REQUEST_TEXTS:
        for path, text in texts_in(getattr(step, table)):
            yield (table, *path), text
    if step.basic is not None:
        yield ("basic", "user"), step.basic.user
        yield ("basic", "password"), step.basic.password
    for table in _EXPECTED_TEXTS:
        for path, text in texts_in(getattr(step.expect, table)):
            yield ("expect", table, *path), text


def _not_captured(
    at: KeyPath, name: str, captured: Sequence[str], journey: JourneySettings
) -> Finding:
    """Return what to say about a value that is not there yet, or never."""
    later = [step.name for step in journey.steps if name in step.capture]
    if later:
        return Finding(
            at,
            "captured_later",
            f"`{dotted(at)}` uses `{{{name}}}` before it is there: the step `{later[0]}` captures "
            "it, when its answer has come.",
            "Move that step before this one.",
        )
    near = difflib.get_close_matches(name, captured, 1)
    known = ", ".join(f"`{{{each}}}`" for each in captured)
    hint = f"Captured by then: {known}." if known else "No earlier step captures anything."
    return Finding(
        at,
        "captured_never",
        f"`{dotted(at)}` uses `{{{name}}}`, which no step captures"
        + (f"; did you mean `{{{near[0]}}}`?" if near else "."),
        f"{hint} Write `{{{{` and `}}}}` for braces that are meant.",
    )


def captured_values_can_be_named_and_found(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that inserts could not have, and to sources that lead nowhere."""
    for key, step in steps_of(configuration):
        for name, source in step.capture.items():
            at = (*key, "capture", name)
            if not is_capture_name(name):
                yield Finding(
                    at,
                    "capture_name",
                    f"`{dotted(at)}` is no name for a captured value.",
                    f"Use {NAME_WORDS}; not {', '.join(RESERVED)}.",
                )
            yield from _source_problems(at, source)


def expectations_can_be_read(configuration: Configuration) -> Iterator[Finding]:
    """Object to sources, paths and regular expressions that no answer could be held against."""
    for key, step in steps_of(configuration):
        inside = (*key, "expect")
        for path in step.expect.json_body:
            try:
                parse_json_path(path)
            except SourceError as error:
                at = (*inside, "json_body", path)
                message = f"`{dotted(at)}` cannot be read: {error}."
                yield Finding(at, "json_path", message, error.hint)
        for source, pattern in step.expect.match.items():
            at = (*inside, "match", source)
            yield from _source_problems(at, source, whole_body=True)
            try:
                compile_pattern(pattern)
            except PatternError as error:
                yield Finding(
                    at,
                    "regular_expression",
                    f"`{dotted(at)}` is a regular expression that cannot be used: {error}.",
                    "Mend it; the syntax is that of RE2, without look-arounds and back-references.",
                )
        for position, source in enumerate(step.expect.absent):
            yield from _source_problems((*inside, "absent", position), source)


def _source_problems(at: KeyPath, source: str, *, whole_body: bool = False) -> Iterator[Finding]:
    try:
        parse_source(source, whole_body=whole_body)
    except SourceError as error:
        yield Finding(at, "source_unknown", f"`{dotted(at)}`: {error}.", error.hint)
