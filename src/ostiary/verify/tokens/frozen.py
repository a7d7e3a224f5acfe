"""JSON values that nobody can change: a principal is shared by all requests with one token."""

from types import MappingProxyType
from typing import Any

_DEPTH_MAX = 16


def freeze(value: object, depth: int = _DEPTH_MAX) -> Any:  # noqa: ANN401 - JSON is any value
    """Return a JSON value with tuples for arrays and read-only mappings for objects.

    Raises `ValueError` for what is nested deeper than anybody needs, and for text that is no
    Unicode (half of a surrogate pair): who writes it somewhere would fail.
    """
    if isinstance(value, str):
        if not value.isascii():
            value.encode()
        return value
    if isinstance(value, list):
        return tuple([freeze(each, _deeper(depth)) for each in value])
    if isinstance(value, dict):
        deeper = _deeper(depth)
        return MappingProxyType(
            {freeze(name): freeze(each, deeper) for name, each in value.items()}
        )
    return value


def _deeper(depth: int) -> int:
    if depth == 0:
        raise ValueError("nested too deeply")
    return depth - 1
