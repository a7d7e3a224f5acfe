"""Turning what pydantic objects to into sentences that say what to write instead."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from ostiary.kernel.problems import Problem, dotted
from ostiary.kernel.settings_choices import wrong_choice
from ostiary.kernel.settings_fields import extra_of, field_at, fields_at, nearest_name
from ostiary.kernel.settings_paths import paths
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
_PATTERN = re.compile(r"match pattern '.*'$")
"""How pydantic shows a pattern, which few people can read."""

_SUBJECT = re.compile(r"^\w+ should")
"""How pydantic begins: "input should", "string should"; the sentence has its subject already."""

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
    typed: dict[KeyPath, KeyPath] = {}
    for error in errors:
        path, typed_path = paths(error, tables)
        by_path.setdefault(path, []).append(error)
        typed.setdefault(path, typed_path)
    problems = []
    # A list is too short for pydantic where its elements are wrong.
    around = {path[:-1] for path in by_path if path and isinstance(path[-1], int)}
    for count, (path, found) in enumerate(by_path.items()):
        if path in around:
            continue
        code, message, hint = _explain_key(
            path, typed[path], found, model, guess=count < _GUESSES_MAX
        )
        key = dotted(path) if path else None
        problems.append(Problem(file, line_of(path), key, code, message, hint))
    return problems


def _explain_key(
    path: KeyPath,
    typed: KeyPath,
    errors: Sequence[ErrorDetails],
    model: type[BaseModel],
    *,
    guess: bool,
) -> tuple[str, str, str]:
    """Return code, message and hint for one key; `typed` is the path to its type."""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return _unknown(path, typed, first["input"], model, guess=guess)
    if first["type"] in {"missing", "union_tag_not_found"}:
        return "missing_setting", f"The setting `{dotted(path)}` is missing.", "Add it."
    if first["type"] == "union_tag_invalid":
        return wrong_choice(path, first["ctx"]["tag"], first["ctx"]["expected_tags"])
    field = field_at(model, typed)
    wanted = [_WANTED_BY_ERROR[e["type"]] for e in errors if e["type"] in _WANTED_BY_ERROR]
    if len(wanted) == len(errors):
        return _wrong_type(path, first["input"], list(dict.fromkeys(wanted)), field)
    # Of a union, the member whose type was right says what is wrong with the value.
    right_type = next(each for each in errors if each["type"] not in _WANTED_BY_ERROR)
    return _wrong_value(path, right_type, field)


def _unknown(
    path: KeyPath, typed: KeyPath, value: object, model: type[BaseModel], *, guess: bool
) -> tuple[str, str, str]:
    kind = "table" if isinstance(value, dict) else "setting"
    message = f"unknown {kind} `{dotted(path)}`"
    if not guess:
        return f"unknown_{kind}", f"{message}.", "Remove it."
    right = nearest_name(typed, model)
    if right is None:
        known = ", ".join(f"`{name}`" for name in fields_at(model, typed[:-1]))
        return f"unknown_{kind}", f"{message}.", f"Known here: {known}." if known else "Remove it."
    write = f"Write `[{right}]`" if kind == "table" else f"Write `{right}`"
    what = "the table" if kind == "table" else "the line"
    hint = f"{write}, or remove {what}."
    return f"unknown_{kind}", f"{message}; did you mean `{right}`?", hint


def _wrong_type(
    path: KeyPath, value: object, wanted: Sequence[str], field: FieldInfo | None
) -> tuple[str, str, str]:
    # Whoever may write any number need not be told about whole ones.
    needed = " or ".join(w for w in wanted if w != WHOLE_NUMBER or NUMBER not in wanted)
    extra = extra_of(field)
    if extra.get("secret"):
        message = f"`{dotted(path)}` must be {needed}, but it is {type_words(value)}."
        return "wrong_type", message, f"Write {needed}."
    message = f"`{dotted(path)}` must be {needed}, but `{toml_text(value)}` is {type_words(value)}."
    right = likely_meant(value, wanted[0], str(extra.get("unit", "")))
    lead = "Write"
    if right is None and field is not None and not isinstance(field.default, BaseModel):
        right, lead = field.default, "For example"
    if isinstance(path[-1], int):
        fits = lead == "Write" and right is not None
        return "wrong_type", message, f"Write {toml_text(right) if fits else needed}."
    if right is None or right is PydanticUndefined:
        return "wrong_type", message, f"Write {needed}."
    return "wrong_type", message, f"{lead} `{path[-1]} = {toml_text(right)}`."


def _wrong_value(
    path: KeyPath, error: ErrorDetails, field: FieldInfo | None
) -> tuple[str, str, str]:
    said = error["msg"].removeprefix("Value error, ").rstrip(".")
    extra = extra_of(field)
    if error["type"] == "value_error":
        # What was said says what to write.
        return "wrong_value", f"`{dotted(path)}`: {said}.", ""
    if error["type"] == "literal_error":
        return wrong_choice(path, error["input"], error["ctx"]["expected"])
    said = said[:1].lower() + said[1:]
    said = _SUBJECT.sub("must", said).replace(" after validation", "")
    said = _PATTERN.sub("have the form that its meaning says", said)
    bounds = [] if field is None else list(_bounds(field.metadata))
    unit = f" ({extra['unit']})" if extra.get("unit") else ""
    hint = f"Allowed: {', '.join(bounds)}{unit}." if bounds else ""
    hint = hint or str("" if field is None else field.description or "")
    hint = hint or "Write another value, or remove the line."
    shown = "" if extra.get("secret") else f" is `{toml_text(error['input'])}`; it"
    message = f"`{dotted(path)}`{shown} {said}."
    return "wrong_value", message, f"{hint} {extra.get('why', '')}".strip()


def _bounds(metadata: Iterable[object]) -> Iterator[str]:
    """Yield the bounds that pydantic keeps as `Ge(ge=1)` and the like, in words."""
    for constraint in metadata:
        for name, words in _BOUNDS:
            bound = getattr(constraint, name, None)
            if bound is not None:
                yield f"{words} {bound}"
