"""Declaring a setting: default, bounds, unit and meaning, once for reading and for the schema."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import Field

DAY = 86_400
"""Seconds."""


def seconds(
    default: float,
    description: str,
    *,
    ge: float = 1,
    le: float,
    extra: Mapping[str, Any] | None = None,
) -> Any:  # noqa: ANN401 - what Field returns
    """Declare a duration; `extra` is what the other functions of this module return."""
    schema = unit("seconds") | dict(extra or {})
    return Field(default, description=description, ge=ge, le=le, json_schema_extra=schema)


def as_tuple(value: object) -> object:
    """Return a list as a tuple, which cannot be changed after reading."""
    return tuple(value) if isinstance(value, list) else value


def unit(name: str) -> dict[str, Any]:
    """Return what adds a unit to a key of the schema."""
    return {"unit": name}


def unset(name: str) -> dict[str, Any]:
    """Return what says, in the schema and the documentation, what holds without a value."""
    return {"unset": name}


def why(reason: str) -> dict[str, Any]:
    """Return what adds to a refused value why its bounds are as they are; a whole sentence."""
    return {"why": reason}


def secret() -> dict[str, Any]:
    """Return what marks a key in which a secret may stand by mistake: no message repeats it."""
    return {"secret": True}


def deprecated(*, refused_from: date, instead: str) -> dict[str, Any]:
    """Return what marks a key that goes away.

    It is warned of until the day before `refused_from`, and refused from then on. `instead` is what
    to write, a whole sentence such as "Write `listen`.".
    """
    return {"deprecated": True, "refused_from": refused_from.isoformat(), "instead": instead}
