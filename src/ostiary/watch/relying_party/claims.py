"""Reading the parts of a token strictly: what is there, of which type, and nothing repaired."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from typing import Any

_PARTS = 3
_SHOWN_CHARACTERS_MAX = 120


class TokenRejectedError(ValueError):
    """A token that must not be accepted; the message says what is wrong and holds no token."""


def read_header(token: str) -> Mapping[str, object]:
    """Return the header of a compact token, not verified; raises `TokenRejectedError`."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise TokenRejectedError("it is no compact JWS")
    return read_object(parts[0], "header")


def read_object(part: str, name: str) -> dict[str, Any]:
    """Return the JSON object in a part of a token; raises `TokenRejectedError`."""
    try:
        value = json.loads(decode(part))
    except (ValueError, RecursionError) as error:
        raise TokenRejectedError(f"its {name} cannot be read") from error
    if not isinstance(value, dict):
        raise TokenRejectedError(f"its {name} is no JSON object")
    return value


def decode(part: str) -> bytes:
    """Return the bytes of a base64url part; raises `ValueError`."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def printable(value: object) -> str:
    """Return what came instead of what was expected; none of it is secret."""
    return repr(value)[:_SHOWN_CHARACTERS_MAX]


def read_audiences(claims: Mapping[str, object]) -> tuple[str, ...]:
    """Return `aud` as a list, in its order (RFC 7519, section 4.1.3)."""
    value = claims.get("aud")
    return tuple(read_texts([value] if isinstance(value, str) else value))


def read_texts(value: object) -> Iterable[str]:
    """Return a claim that is a list of texts; raises `TokenRejectedError`."""
    if not isinstance(value, list):
        raise TokenRejectedError("a claim is no list of texts")
    return [str(entry) for entry in value]


def read_text(claims: Mapping[str, object], name: str) -> str:
    """Return a claim that is a text and not empty; raises `TokenRejectedError`."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRejectedError(f"it has no claim {name}")
    return value


def read_time(claims: Mapping[str, object], name: str) -> float:
    """Return a claim that is a time (RFC 7519, section 2); raises `TokenRejectedError`."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRejectedError(f"it has no time {name}")
    return float(value)
