"""JSON of answers: paths into it, and the claims of a JWT that stands in it."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final

JsonPath = tuple[str, ...]

_SEGMENT = re.compile(r'"([^"]+)"|([^".]+)')
_JWT_PARTS = 3
_SHOWN_CHARACTERS_MAX = 60


class SourceError(ValueError):
    """A source cannot be read; the message says what is wrong, the hint what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class _Nothing:
    """What a source gives where the answer has nothing there."""


NOTHING: Final = _Nothing()


def parse_json_path(text: str) -> JsonPath:
    """Return the names of a path such as `keys.0.kid`; raises `SourceError`.

    A name with a dot in it stands in quotes: `"https://example.com/tenant".id`.
    """
    names: list[str] = []
    at = 0
    while True:
        found = _SEGMENT.match(text, at)
        if found is None:
            raise SourceError(
                f"`{short(text)}` is no path in a JSON body",
                "Write names with dots between them, such as `keys.0.kid`; a name that has a dot "
                "itself stands in quotes.",
            )
        names.append(found[1] or found[2])
        at = found.end()
        if at == len(text):
            return tuple(names)
        if text[at] != ".":
            at = len(text)  # what follows a quoted name without a dot is no path
        at += 1


def json_value(document: object, path: JsonPath) -> object:
    """Return what stands at a path, `NOTHING` where there is nothing."""
    value = document
    for name in path:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return NOTHING
    return value


def json_of(body: bytes | str) -> object:
    """Return the JSON value of a text, `NOTHING` where it is none."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return NOTHING
    return value


def as_text(value: object) -> str:
    """Return a value as it is inserted and matched: text as it is, others as JSON.

    Half a character, which JSON can hold and UTF-8 cannot, becomes a question mark.
    """
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "a value nested too deeply"
    return text.encode(errors="replace").decode()


def claims_of(token: object) -> object:
    """Return the claims of a JWT (RFC 7519). Its signature is the built-in journeys' affair."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != _JWT_PARTS:
        return NOTHING
    try:
        return json_of(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return NOTHING


def short(text: str) -> str:
    """Return a text as a message can repeat it."""
    is_short = len(text) <= _SHOWN_CHARACTERS_MAX
    return text if is_short else f"{text[:_SHOWN_CHARACTERS_MAX]}…"
