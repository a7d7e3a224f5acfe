"""JSON objects that everybody reads in the same way."""

import json
import re
from typing import Any

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape that can stand for half of a pair. In UTF-8 itself there is no such half."""


_DEPTH_MAX = 16


class NotJsonError(ValueError):
    """A text is not such a JSON object. The message never repeats it."""


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in a text. Raises `NotJsonError`.

    Repeated names are refused, since two readers could pick different ones (RFC 7519, section 4);
    so are texts that are not UTF-8, numbers that JSON does not have, halves of surrogate pairs,
    which nobody could write anywhere, and what is nested deeper than anybody needs.
    """
    try:
        text = content.decode()
        value = _DECODER.decode(text)
        if _SURROGATE.search(text) is not None:
            json.dumps(value, ensure_ascii=False).encode()
    except NotJsonError:
        raise
    except (ValueError, RecursionError):
        raise NotJsonError("not JSON in UTF-8") from None
    # Most texts open fewer brackets than may stand within each other.
    if text.count("[") + text.count("{") > _DEPTH_MAX:
        _require_shallow(value, _DEPTH_MAX)
    if not isinstance(value, dict):
        raise NotJsonError("not a JSON object")
    return value


def _require_shallow(value: object, depth: int) -> None:
    if not isinstance(value, list | dict):
        return
    if depth == 0:
        raise NotJsonError("JSON that is nested too deeply")
    for each in value.values() if isinstance(value, dict) else value:
        _require_shallow(each, depth - 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("a JSON object with a repeated name")
    return found


def _no_constant(_name: str) -> float:
    raise NotJsonError("not JSON: it has a number that JSON does not have")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
