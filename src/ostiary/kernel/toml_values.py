"""Showing TOML values to people, and guessing which value was meant."""

import json
import re
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
_TRUE_OR_FALSE_BY_WORD = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_NUMBER_AND_UNIT = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*([A-Za-z%]+)\s*")
_SECONDS_BY_UNIT = {
    **dict.fromkeys(("ms", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
_BYTES_BY_UNIT = {
    **dict.fromkeys(("k", "kb", "kib"), 1024),
    **dict.fromkeys(("m", "mb", "mib"), 1024**2),
    **dict.fromkeys(("g", "gb", "gib"), 1024**3),
}


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


def likely_meant(value: object, wanted: str, unit: str = "") -> object | None:
    """Return `value` in the wanted type, None where nothing shows what was meant.

    `wanted` is one of the words of this module, for example `WHOLE_NUMBER`; `unit` is what the
    setting counts, by which "5m" is 300 seconds.
    """
    if wanted == TEXT:
        return toml_text(value) if isinstance(value, int | float) else None
    if wanted == TRUE_OR_FALSE:
        word = str(value).lower()
        return _TRUE_OR_FALSE_BY_WORD.get(word)
    if wanted == LIST:
        return [value] if isinstance(value, int | float | str) else None
    number = _number(value)
    number = _with_unit(value, unit) if number is None else number
    if number is None:
        return None
    if number.is_integer():
        return int(number)
    return None if wanted == WHOLE_NUMBER else number


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _with_unit(value: object, unit: str) -> float | None:
    """Return the number in a text such as "5m", "64 MiB" or "50%", in the unit of the setting."""
    found = _NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    number, written = float(found[1]), found[2].lower()
    if unit == "percent" and written == "%":
        return number
    if unit == "probability" and written == "%":
        return number / 100
    for factors in (_SECONDS_BY_UNIT, _BYTES_BY_UNIT):
        if written in factors and unit.lower() in factors:
            return number * factors[written] / factors[unit.lower()]
    return None
