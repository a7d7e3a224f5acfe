"""JSON objects that everybody reads in the same way."""

import json
from typing import Any


class NotJsonError(ValueError):
    """A text is not such a JSON object. The message never repeats it."""


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in a text. Raises `NotJsonError`.

    Repeated names are refused, since two readers could pick different ones (RFC 7519, section 4);
    so are texts that are not UTF-8, and numbers that JSON does not have.
    """
    try:
        value = _DECODER.decode(content.decode())
    except NotJsonError:
        raise
    except (ValueError, RecursionError):
        raise NotJsonError("not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise NotJsonError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("a JSON object with a repeated name")
    return found


def _no_constant(_name: str) -> float:
    raise NotJsonError("not JSON: it has a number that JSON does not have")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
