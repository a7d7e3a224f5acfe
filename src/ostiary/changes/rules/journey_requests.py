"""Rules about what the steps of own journeys send: where to, and never a secret in plain sight."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from ostiary.changes.configuration import Configuration
from ostiary.changes.misplaced_secrets import looks_secret
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.journeys import steps_of
from ostiary.edge.route_classes import HIDDEN_PREFIXES
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.watch.own_journeys.settings import StepSettings
from ostiary.watch.own_journeys.templates import Insert, TemplateError, parse, texts_in

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WORDS = re.compile(r"[A-Za-z0-9_./-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_ENGINES_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "x-ostiary-pin"}
)
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}
)
_BODIES = ("form", "json_body", "text_body")


def steps_stay_with_the_issuer(configuration: Configuration) -> Iterator[Finding]:
    """Object to paths that lead elsewhere, or nowhere."""
    for key, step in steps_of(configuration):
        path, at = step.path, (*key, "path")
        if _SCHEME.match(path):
            found = urlsplit(path).path if "\\" not in path else ""
            yield Finding(
                at,
                "path_is_url",
                f"`{dotted(at)}` is a whole URL; a step goes to the issuer, wherever that is.",
                f'Write the path alone: `path = "{found or "/"}"`.',
            )
        elif not path.startswith("/") and not _begins_with_captured(path):
            yield Finding(
                at,
                "path_without_slash",
                f"`{dotted(at)}` begins neither with `/` nor with a captured location.",
                f'Write for example `path = "/{path if _WORDS.fullmatch(path) else ""}"`.',
            )
        elif not path.isascii() or not path.isprintable() or " " in path or "#" in path:
            yield Finding(
                at,
                "path_characters",
                f"`{dotted(at)}` has characters that no path can have.",
                "Write them with `%`, as in `%20` for a blank, or as values of `query`; leave out "
                "what follows a `#`.",
            )
        elif path.startswith(HIDDEN_PREFIXES):
            yield Finding(
                at,
                "path_hidden",
                f"`{dotted(at)}` is below `{_hidden(path)}`, which the edge hides from everybody.",
                "Write a path that users and applications can reach.",
            )


def _hidden(path: str) -> str:
    return next(prefix for prefix in HIDDEN_PREFIXES if path.startswith(prefix))


def _begins_with_captured(path: str) -> bool:
    try:
        first = parse(path)[:1]
    except TemplateError:
        return path.startswith("{")  # another rule says what is wrong with it
    return bool(first) and isinstance(first[0], Insert) and first[0].is_captured


def steps_send_one_body(configuration: Configuration) -> Iterator[Finding]:
    """Object to two bodies in one request, and to one where there can be none."""
    for key, step in steps_of(configuration):
        bodies = [name for name in _BODIES if getattr(step, name)]
        if len(bodies) > 1:
            yield Finding(
                (*key, bodies[1]),
                "step_two_bodies",
                f"`{dotted(key)}` sends both `{bodies[0]}` and `{bodies[1]}`.",
                "A request has one body: keep one of them.",
            )
        elif bodies and step.method in ("GET", "HEAD"):
            yield Finding(
                (*key, bodies[0]),
                "step_body_with_get",
                f"`{dotted((*key, bodies[0]))}` is sent with {step.method}, which has no body.",
                'Write `method = "POST"`, or put the values into `query`.',
            )
        for path, value in _leaves(step.json_body):
            if value is not None and not isinstance(value, bool | int | float | str):
                at = (*key, "json_body", *path)
                yield Finding(
                    at,
                    "json_value",
                    f"`{dotted(at)}` is a date or a time, which JSON does not have.",
                    "Write it in quotes.",
                )


def _leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*path, str(name)))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _leaves(each, (*path, position))
    else:
        yield path, value


def headers_are_the_teams_own(configuration: Configuration) -> Iterator[Finding]:
    """Object to headers that cannot be sent, or that the journey itself sets."""
    for key, step in steps_of(configuration):
        for name in step.headers:
            at = (*key, "headers", name)
            if not _HEADER_NAME.fullmatch(name):
                yield Finding(
                    at,
                    "header_name",
                    f"`{dotted(at)}` is no name of a header.",
                    "Use letters, digits and `-`.",
                )
            elif name.lower() in _ENGINES_HEADERS:
                yield Finding(
                    at,
                    "header_not_yours",
                    f"`{dotted(at)}` is set by the guard itself.",
                    "Remove the line.",
                )
            elif name.lower() == "authorization" and step.basic is not None:
                yield Finding(
                    at,
                    "header_twice",
                    f"`{dotted(at)}` and `{dotted((*key, 'basic'))}` are the same header.",
                    "Keep one of them.",
                )


def no_secret_stands_in_a_step(configuration: Configuration) -> Iterator[Finding]:
    """Object to secrets in the file, which is copied and reviewed. No message repeats one."""
    for key, step in steps_of(configuration):
        for path, text in _secret_texts(step):
            if text and not _has_insert(text):
                at = (*key, *path)
                yield Finding(
                    at,
                    "secret_in_file",
                    f"`{dotted(at)}` looks like a secret; no secret may stand in this file.",
                    "Write `{env:NAME}` or `{file:/path/to/file}`; `{random}` where it has to be "
                    "wrong.",
                )


def _secret_texts(step: StepSettings) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts of a step whose names say that they are secrets."""
    for table in ("query", "form", "json_body"):
        for path, text in texts_in(getattr(step, table)):
            if any(looks_secret(str(name)) for name in path):
                yield (table, *path), text
    for name, text in step.headers.items():
        if name.lower() in _SECRET_HEADERS or looks_secret(name):
            yield ("headers", name), text
    for name, text in parse_qsl(step.path.partition("?")[2]):
        if looks_secret(name):
            yield ("path",), text
    if step.basic is not None:
        yield ("basic", "password"), step.basic.password


def _has_insert(text: str) -> bool:
    try:
        return any(isinstance(part, Insert) for part in parse(text))
    except TemplateError:
        return True  # another rule says what is wrong with it
