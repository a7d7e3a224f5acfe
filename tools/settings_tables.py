"""Write the tables of keys in the documentation from the settings themselves.

Run: make docs. What stands around the tables is written by hand and stays. `--check` writes
nothing, and ends with 1 where the tables are not what the settings say.
"""

import argparse
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ostiary.changes.configuration import json_schema

_DOCS = Path(__file__).parents[1] / "docs"
_NAMES = ("settings", "own-journeys", "verdicts", "endpoints")
PAGES = tuple(_DOCS / f"{name}.md" for name in _NAMES)
_TABLE = re.compile(
    r"(<!-- keys of ([\w.]+); `make docs` writes them -->\n).*?(<!-- end -->)", re.DOTALL
)


def with_tables(text: str) -> str:
    """Return the page with each table of keys as the settings are now."""
    tables = dict(_tables())
    return _TABLE.sub(lambda found: f"{found[1]}\n{tables[found[2]]}\n{found[3]}", text)


def tables_in(text: str) -> list[str]:
    """Return the names of the tables of keys on the page."""
    return [found[2] for found in _TABLE.finditer(text)]


def _tables() -> Iterator[tuple[str, str]]:
    schema = json_schema()
    yield from _tables_in(schema["properties"], schema["$defs"], "")


def _tables_in(
    entries: Mapping[str, Any], definitions: Mapping[str, Any], around: str
) -> Iterator[tuple[str, str]]:
    """Yield each table of fixed keys, and those in it; free names of keys are `NAME`."""
    for key, entry in entries.items():
        free, element = entry.get("additionalProperties"), entry.get("items")
        inner = free if isinstance(free, Mapping) else element or entry
        definition = definitions.get(inner.get("$ref", "").rpartition("/")[2])
        if definition is not None:
            name = f"{around}{key}.NAME" if inner is free else f"{around}{key}"
            required = definition.get("required", ())
            keys = definition["properties"]
            rows = (_row(each, entry, each in required) for each, entry in keys.items())
            head = "| key | default | allowed | meaning |\n|---|---|---|---|\n"
            yield name, head + "".join(rows)
            yield from _tables_in(keys, definitions, f"{name}.")


def _row(key: str, entry: Mapping[str, Any], required: bool) -> str:
    default = "has to be there" if required else _default(entry)
    cells = (f"`{key}`", default, _allowed(entry), _meaning(entry))
    return f"| {' | '.join(cells)} |\n"


def _default(entry: Mapping[str, Any]) -> str:
    value = entry.get("default")
    if value is None:
        return str(entry.get("unset", "none"))
    if value == "":
        return "empty"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(entry: Mapping[str, Any]) -> str:
    """Return type, bounds and unit in a few words."""
    unit = str(entry.get("unit", ""))
    if "enum" in entry:
        return " or ".join(f"`{value}`" for value in entry["enum"])
    if entry.get("type") == "array":
        low, high = entry.get("minItems", 0), entry.get("maxItems")
        count = f"{low} or more" if high is None else f"{low} to {high}"
        return f"a list of {count}, each {_single(entry['items'], unit)}"
    return _single(entry, unit)


def _single(entry: Mapping[str, Any], unit: str) -> str:
    if "$ref" in entry:
        return "a table"
    words = {"boolean": "true or false", "string": "text", "object": "a table"}
    if entry.get("type") in {"integer", "number"}:
        return f"{_range(entry)} {unit}".strip()
    return words.get(str(entry.get("type")), "see the text below")


def _range(entry: Mapping[str, Any]) -> str:
    """Return the bounds as `1 to 10`, or as what is there of them."""
    low, high = entry.get("minimum"), entry.get("maximum")
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    said = (("at least", low), ("more than", entry.get("exclusiveMinimum")))
    said += (("at most", high), ("less than", entry.get("exclusiveMaximum")))
    parts = [f"{words} {_number(bound)}" for words, bound in said if bound is not None]
    return ", ".join(parts) or "a number"


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _meaning(entry: Mapping[str, Any]) -> str:
    text = str(entry["description"])
    if entry.get("deprecated"):
        return f"*Refused from {entry['refused_from']} on. {entry['instead']}* {text}"
    return text


def main() -> int:
    """Write the pages, or say that one is not as it should be; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    only_look = parser.parse_args().check
    for page in PAGES:
        text = page.read_text()
        made = with_tables(text)
        if only_look and made != text:
            return 1
        if not only_look:
            page.write_text(made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
