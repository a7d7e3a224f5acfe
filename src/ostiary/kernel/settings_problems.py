"""Turning what pydantic objects to into sentences that say what to write instead."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from ostiary.kernel.problems import Problem, dotted
from ostiary.kernel.settings_choices import wrong_choice
from ostiary.kernel.toml_lines import KeyPath
from ostiary.kernel.toml_values import (
    LIST,
    NUMBER,
    TABLE,
    TEXT,
    TRUE_OR_FALSE,
    WHOLE_NUMBER,
    likely_meant,
    toml_text,
    type_words,
)

_WANTED_BY_ERROR = {
    "int_type": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "float_type": NUMBER,
    "bool_type": TRUE_OR_FALSE,
    "string_type": TEXT,
    "list_type": LIST,
    "tuple_type": LIST,
    "dict_type": TABLE,
    "mapping_type": TABLE,
    "model_type": TABLE,
    "model_attributes_type": TABLE,
}
_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
_NEAR_ENOUGH_HERE = 0.6
_NEAR_ENOUGH_ELSEWHERE = 0.85
_GUESSES_MAX = 50


def explain(
    errors: Iterable[ErrorDetails],
    model: type[BaseModel],
    tables: Mapping[str, Any],
    *,
    file: str,
    line_of: Callable[[KeyPath], int | None],
) -> list[Problem]:
    """Return one problem per key that pydantic objects to."""
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        by_path.setdefault(_written_path(error, tables), []).append(error)
    problems = []
    for count, (path, found) in enumerate(by_path.items()):
        code, message, hint = _explain_key(path, found, model, guess=count < _GUESSES_MAX)
        key = dotted(path) if path else None
        problems.append(Problem(file, line_of(path), key, code, message, hint))
    return problems


def _written_path(error: ErrorDetails, tables: Mapping[str, Any]) -> KeyPath:
    """Return the part of an error's location that stands in the file.

    Pydantic appends the tried member of a union to the location; nobody wrote that word.
    """
    if error["type"] == "missing":
        return error["loc"]
    value: Any = tables
    path: KeyPath = ()
    for part in error["loc"]:
        if path and value is error["input"]:
            break
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        path += (part,)
    return path


def _explain_key(
    path: KeyPath, errors: Sequence[ErrorDetails], model: type[BaseModel], *, guess: bool
) -> tuple[str, str, str]:
    """Return code, message and hint for one key."""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return _unknown(path, first["input"], model, guess=guess)
    if first["type"] == "missing":
        return "missing_setting", f"The setting `{dotted(path)}` is missing.", "Add it."
    field = _field_at(model, path)
    wanted = [_WANTED_BY_ERROR[e["type"]] for e in errors if e["type"] in _WANTED_BY_ERROR]
    if len(wanted) == len(errors):
        return _wrong_type(path, first["input"], list(dict.fromkeys(wanted)), field)
    return _wrong_value(path, first, field)


def _unknown(
    path: KeyPath, value: object, model: type[BaseModel], *, guess: bool
) -> tuple[str, str, str]:
    kind = "table" if isinstance(value, dict) else "setting"
    message = f"unknown {kind} `{dotted(path)}`"
    if not guess:
        return f"unknown_{kind}", f"{message}.", "Remove it."
    right = _nearest_name(path, model)
    if right is None:
        known = ", ".join(f"`{name}`" for name in _fields_at(model, path[:-1]))
        return f"unknown_{kind}", f"{message}.", f"Known here: {known}." if known else "Remove it."
    return (
        f"unknown_{kind}",
        f"{message}; did you mean `{right}`?",
        f"Write `{right}`, or remove the line.",
    )


def _nearest_name(path: KeyPath, model: type[BaseModel]) -> str | None:
    """Return the known name that was probably meant: in this table, else in any other."""
    wrong = str(path[-1])
    known_here = list(_fields_at(model, path[:-1]))
    here = difflib.get_close_matches(wrong, known_here, 1, _NEAR_ENOUGH_HERE)
    if here:
        return here[0]
    elsewhere = {str(keys[-1]): dotted(keys) for keys in _all_keys(model)}
    there = difflib.get_close_matches(wrong, list(elsewhere), 1, _NEAR_ENOUGH_ELSEWHERE)
    return elsewhere[there[0]] if there else None


def _wrong_type(
    path: KeyPath, value: object, wanted: Sequence[str], field: FieldInfo | None
) -> tuple[str, str, str]:
    # Whoever may write any number need not be told about whole ones.
    needed = " or ".join(w for w in wanted if w != WHOLE_NUMBER or NUMBER not in wanted)
    message = f"`{dotted(path)}` must be {needed}, but `{toml_text(value)}` is {type_words(value)}."
    right = likely_meant(value, wanted[0])
    lead = "Write"
    if right is None and field is not None and not isinstance(field.default, BaseModel):
        right, lead = field.default, "For example"
    if right is None or right is PydanticUndefined or isinstance(path[-1], int):
        return "wrong_type", message, f"Write {needed}."
    return "wrong_type", message, f"{lead} `{path[-1]} = {toml_text(right)}`."


def _wrong_value(
    path: KeyPath, error: ErrorDetails, field: FieldInfo | None
) -> tuple[str, str, str]:
    said = error["msg"].removeprefix("Value error, ").rstrip(".")
    if error["type"] == "value_error":
        return "wrong_value", f"`{dotted(path)}`: {said}.", ""
    if error["type"] == "literal_error":
        return wrong_choice(path, error["input"], error["ctx"]["expected"])
    said = said[:1].lower() + said[1:]
    said = said.removeprefix("input ").replace("should", "must", 1)
    bounds = [] if field is None else list(_bounds(field.metadata))
    hint = f"Allowed: {', '.join(bounds)}{_unit(field)}." if bounds else ""
    return "wrong_value", f"`{dotted(path)}` is `{toml_text(error['input'])}`; it {said}.", hint


def _bounds(metadata: Iterable[object]) -> Iterator[str]:
    """Yield the bounds that pydantic keeps as `Ge(ge=1)` and the like, in words."""
    for constraint in metadata:
        for name, words in _BOUNDS:
            bound = getattr(constraint, name, None)
            if bound is not None:
                yield f"{words} {bound}"


def _unit(field: FieldInfo | None) -> str:
    extra = None if field is None else field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return f" ({unit})" if unit else ""


def _fields_at(model: type[BaseModel], path: KeyPath) -> dict[str, FieldInfo]:
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


def _field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    return _fields_at(model, path[:-1]).get(str(path[-1])) if path else None


def _all_keys(model: type[BaseModel], table: KeyPath = ()) -> Iterator[KeyPath]:
    for name, field in model.model_fields.items():
        yield (*table, name)
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _all_keys(kind, (*table, name))
