"""Where a value stands in an answer: `json:access_token`, `header:location`, `query:code`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol

from ostiary.watch.own_journeys.json_values import (
    NOTHING,
    SourceError,
    claims_of,
    json_of,
    json_value,
    parse_json_path,
    short,
)
from ostiary.watch.own_journeys.patterns import Pattern, PatternError, compile_pattern
from ostiary.watch.relying_party.forms import read_forms

_PAGE_CHARACTERS_MAX = 256 * 1024
"""A page of forms is written for people; reading more would keep the guard waiting."""


class _Headers(Protocol):
    """The headers of an answer, by names in any case."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - what httpx says
        """Return the values of a header, joined; the default where there is none."""
        ...

    def get_list(self, key: str) -> list[str]:
        """Return the values of a header, one by one."""
        ...


class Answered(Protocol):
    """What is read of an answer. A settings file is checked without knowing how one is fetched."""

    @property
    def headers(self) -> _Headers:
        """Its headers."""
        ...

    @property
    def body(self) -> bytes:
        """Its body."""
        ...

    @property
    def text(self) -> str:
        """Its body as text."""
        ...

    def query(self) -> dict[str, str]:
        """Return the parameters of the address that it redirects to."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One place in an answer. `read` gives its value there, or `NOTHING`."""

    text: str
    read: Callable[[Answered], object]


def parse_source(text: str, *, whole_body: bool = False) -> Source:
    """Return the source; raises `SourceError`. With `whole_body`, `body` alone is one too."""
    kind, colon, argument = text.partition(":")
    if whole_body and text == "body":
        return Source(text, lambda answer: answer.text)
    maker = _MAKERS.get(kind)
    if maker is None or not colon or (whole_body and kind == "body"):
        known = ", ".join(f"`{each}`" for each in _examples(whole_body=whole_body))
        raise SourceError(f"`{short(text)}` is no source", f"Write one of {known}.")
    if not argument:
        raise SourceError(f"`{text}` names nothing", f"Write for example `{_EXAMPLES[kind]}`.")
    return Source(text, maker(argument))


def _json(argument: str) -> Callable[[Answered], object]:
    path = parse_json_path(argument)
    return lambda answer: json_value(json_of(answer.body), path)


def _jwt(argument: str) -> Callable[[Answered], object]:
    where, colon, claim = argument.rpartition(":")
    if not colon:
        raise SourceError(f"`jwt:{short(argument)}` names no claim", f"Write {_EXAMPLES['jwt']}.")
    token_path, claim_path = parse_json_path(where), parse_json_path(claim)

    def read(answer: Answered) -> object:
        token = json_value(json_of(answer.body), token_path)
        return json_value(claims_of(token), claim_path)

    return read


def _header(argument: str) -> Callable[[Answered], object]:
    return lambda answer: answer.headers.get(argument, NOTHING)


def _query(argument: str) -> Callable[[Answered], object]:
    return lambda answer: answer.query().get(argument, NOTHING)


def _cookie(argument: str) -> Callable[[Answered], object]:
    def read(answer: Answered) -> object:
        for header in reversed(answer.headers.get_list("set-cookie")):
            cookie: SimpleCookie = SimpleCookie()
            try:
                cookie.load(header)
            except CookieError:
                continue
            if argument in cookie:
                return cookie[argument].coded_value
        return NOTHING

    return read


def _form_field(argument: str) -> Callable[[Answered], object]:
    def read(answer: Answered) -> object:
        for form in read_forms(answer.text[:_PAGE_CHARACTERS_MAX]):
            for name, value in form.values:
                if name == argument:
                    return value
        return NOTHING

    return read


def _body(argument: str) -> Callable[[Answered], object]:
    pattern = _one_group(argument)

    def read(answer: Answered) -> object:
        found = pattern.search(answer.text)
        group = None if found is None else found.group(1)
        return NOTHING if group is None else group

    return read


def _one_group(argument: str) -> Pattern:
    hint = f"Write for example `{_EXAMPLES['body']}`; the syntax is that of RE2."
    try:
        pattern = compile_pattern(argument)
    except PatternError as error:
        raise SourceError(f"the regular expression cannot be used, because {error}", hint) from None
    if pattern.groups != 1:
        raise SourceError(
            f"the regular expression has {pattern.groups} groups in parentheses, not one",
            f"{hint} `(?:…)` is no group.",
        )
    return pattern


_MAKERS: Mapping[str, Callable[[str], Callable[[Answered], Any]]] = {
    "json": _json,
    "jwt": _jwt,
    "header": _header,
    "query": _query,
    "cookie": _cookie,
    "form_field": _form_field,
    "body": _body,
}
_EXAMPLES: Mapping[str, str] = {
    "json": "json:access_token",
    "jwt": "jwt:access_token:sub",
    "header": "header:location",
    "query": "query:code",
    "cookie": "cookie:session",
    "form_field": "form_field:csrf",
    "body": "body:id=([0-9]+)",
}


def _examples(*, whole_body: bool) -> list[str]:
    examples = list(_EXAMPLES.values())
    return [*examples[:-1], "body"] if whole_body else examples
