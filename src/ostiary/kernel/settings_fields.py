"""Finding the settings of a model by their path, and the name that was probably meant."""

import difflib
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

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
        current = _inside(current, str(part))
    return dict(current.model_fields) if _is_table(current) else {}


def field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """Return the setting at `path`; for an element of a list, that of the list."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return fields_at(model, path[:-1]).get(str(path[-1])) if path else None


def all_keys(model: type[BaseModel], table: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield every key whose whole path is known, tables before what is in them."""
    for name, field in model.model_fields.items():
        yield (*table, name)
        if _is_table(field.annotation):
            yield from all_keys(field.annotation, (*table, name))


def _inside(kind: object, part: str) -> object:
    """Return the type of what stands under a name in a table of this type."""
    if _is_table(kind):
        field = kind.model_fields.get(part)
        return None if field is None else _bare(field.annotation)
    if get_origin(kind) in (Mapping, dict):
        # Under free names stand values of one type.
        return _bare(get_args(kind)[1])
    if get_origin(kind) in (tuple, list) and part.isdecimal():
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        # Of tables that a key tells apart: pydantic names the one whose key says this.
        return next((each for each in get_args(kind) if _is_told_by(each, part)), None)
    return None


def _is_told_by(kind: object, word: str) -> bool:
    """Return whether a key of this table can be no other word than this one."""
    fields = kind.model_fields.values() if _is_table(kind) else ()
    return any(get_args(field.annotation) == (word,) for field in fields)


def _bare(kind: object) -> object:
    """Return a type without its validators, and without the None that a key may default to."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    others = [each for each in get_args(kind) if each is not NoneType]
    is_optional = get_origin(kind) in (Union, UnionType) and len(others) == 1
    return _bare(others[0]) if is_optional else kind


def _is_table(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def extra_of(field: FieldInfo | None) -> dict[str, Any]:
    """Return what was declared of a setting besides its type and bounds."""
    extra = None if field is None else field.json_schema_extra
    return dict(extra) if isinstance(extra, dict) else {}
