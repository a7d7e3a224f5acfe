"""Showing TOML values to people, and guessing which value was meant."""

import json
from datetime import date, datetime, time

WHOLE_NUMBER = "a whole number"
NUMBER = "a number"
TRUE_OR_FALSE = "true or false"
TEXT = "text in quotes"
LIST = "a list"
TABLE = "a table"

_WORDS_BY_TYPE: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, WHOLE_NUMBER),
    (float, "a number with a decimal point"),
    (str, "text"),
    (list, LIST),
    (dict, TABLE),
    ((datetime, date, time), "a date or time"),
)
_SHOWN_CHARACTERS_MAX = 60


def type_words(value: object) -> str:
    """Return what people call the type of a value that TOML can hold."""
    return next((words for kind, words in _WORDS_BY_TYPE if isinstance(value, kind)), "unknown")


def toml_text(value: object) -> str:
    """Return a value as it is written in TOML; what is long or nested is shortened."""
    if isinstance(value, float):
        text = repr(value)  # TOML writes nan and inf as Python does
    elif isinstance(value, str | bool | int):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, list | tuple):
        shown = ("…" if isinstance(part, list | dict) else toml_text(part) for part in value)
        text = f"[{', '.join(shown)}]"
    elif isinstance(value, dict):
        text = "{…}"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}…"


def likely_meant(value: object, wanted: str) -> object | None:
    """Return `value` in the wanted type, None where nothing shows what was meant.

    `wanted` is one of the words of this module, for example `WHOLE_NUMBER`.
    """
    if wanted == TEXT:
        return toml_text(value) if isinstance(value, int | float) else None
    if wanted == TRUE_OR_FALSE:
        return {"true": True, "false": False}.get(str(value).lower())
    if wanted == LIST:
        return [value] if isinstance(value, int | float | str) else None
    return _number(value, whole=wanted == WHOLE_NUMBER)


def _number(value: object, *, whole: bool) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        # Whoever writes "25%" means the number.
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    if number.is_integer():
        return int(number)
    return None if whole else number
