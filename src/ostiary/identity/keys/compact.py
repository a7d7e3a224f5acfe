"""Reading compact JWS texts strictly (RFC 7515, section 7.1), before anything is believed."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

TOKEN_CHARACTERS_MAX = 8192
_PARTS = 3


class MalformedTokenError(ValueError):
    """The text is no compact JWS with JSON objects inside. The message never repeats it."""


def split(token: str) -> tuple[str, str, str]:
    """Return header, payload and signature, still encoded. Raises `MalformedTokenError`."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise MalformedTokenError("too long")
    parts = token.split(".")
    if not token.isascii() or len(parts) != _PARTS:
        raise MalformedTokenError("not three parts of ASCII text")
    return parts[0], parts[1], parts[2]


def decode(part: str) -> bytes:
    """Return the bytes of a base64url part. Raises `MalformedTokenError`.

    Only the one canonical text is accepted: otherwise a changed last character could leave the
    token valid, and its text would not identify it.
    """
    try:
        content = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise MalformedTokenError("not base64url") from None
    if urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise MalformedTokenError("not canonical base64url")
    return content


def read_object(part: str) -> dict[str, Any]:
    """Return the JSON object in a base64url part. Raises `MalformedTokenError`.

    Repeated names are refused: two readers could pick different ones (RFC 7519, section 4).
    """
    try:
        value = json.loads(
            decode(part).decode(), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise MalformedTokenError("not a JSON object with unique names") from None
    if not isinstance(value, dict):
        raise MalformedTokenError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedTokenError("a repeated name")
    return found


def _no_constant(name: str) -> float:
    raise MalformedTokenError(f"{name} is no JSON number")
