"""Declaring a setting: default, bounds, unit and meaning, once for reading and for the schema."""

from typing import Any

from pydantic import Field

DAY = 86_400
"""Seconds."""


def seconds(default: float, description: str, *, ge: float = 1, le: float) -> Any:  # noqa: ANN401 - what Field returns
    """Declare a duration."""
    return Field(default, description=description, ge=ge, le=le, json_schema_extra=unit("seconds"))


def as_tuple(value: object) -> object:
    """Return a list as a tuple, which cannot be changed after reading."""
    return tuple(value) if isinstance(value, list) else value


def unit(name: str) -> dict[str, Any]:
    """Return what adds a unit to a key of the schema."""
    return {"unit": name}
