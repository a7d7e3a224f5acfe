"""Finding the settings of a model by their path, and the name that was probably meant."""

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ostiary.kernel.problems import dotted
from ostiary.kernel.toml_lines import KeyPath

_NEAR_ENOUGH_HERE = 0.6
_NEAR_ENOUGH_ELSEWHERE = 0.85


def nearest_name(path: KeyPath, model: type[BaseModel]) -> str | None:
    """Return the known name that was probably meant: in this table, else in any other."""
    wrong = str(path[-1])
    elsewhere = {str(keys[-1]): dotted(keys) for keys in all_keys(model)}
    if wrong in elsewhere:
        return elsewhere[wrong]
    known_here = list(fields_at(model, path[:-1]))
    here = difflib.get_close_matches(wrong, known_here, 1, _NEAR_ENOUGH_HERE)
    if here:
        return here[0]
    there = difflib.get_close_matches(wrong, list(elsewhere), 1, _NEAR_ENOUGH_ELSEWHERE)
    return elsewhere[there[0]] if there else None


def fields_at(model: type[BaseModel], path: KeyPath) -> dict[str, FieldInfo]:
    """Return the settings of the table at `path`; none where the table has free names."""
    current: object = model
    for part in path:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return {}
        field = current.model_fields.get(str(part))
        current = None if field is None else field.annotation
    if isinstance(current, type) and issubclass(current, BaseModel):
        return dict(current.model_fields)
    return {}


def field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """Return the setting at `path`; for an element of a list, that of the list."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return fields_at(model, path[:-1]).get(str(path[-1])) if path else None


def all_keys(model: type[BaseModel], table: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of every table and key of a model."""
    for name, field in model.model_fields.items():
        yield (*table, name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from all_keys(kind, (*table, name))


def extra_of(field: FieldInfo | None) -> dict[str, Any]:
    """Return what was declared of a setting besides its type and bounds."""
    extra = None if field is None else field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}
