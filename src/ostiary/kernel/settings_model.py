"""Finding the declaration of a key in a settings model."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ostiary.kernel.toml_lines import KeyPath


def fields_at(model: type[BaseModel], path: KeyPath) -> dict[str, FieldInfo]:
    """Return the settings of the table at `path`; none where the table has free names."""
    current: object = model
    for part in path:
        current = _inside(current, str(part))
    return dict(current.model_fields) if _is_table(current) else {}


def field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """Return the declaration of one key; None where there is none."""
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
        return None if field is None else field.annotation
    # Under free names stand values of one type.
    return get_args(kind)[1] if get_origin(kind) in (Mapping, dict) else None


def _is_table(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
