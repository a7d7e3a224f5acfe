"""Settings of a change as a reviewer reads them."""

import io
from typing import Any

import pytest
from rich.console import Console

from ostiary.cli.difference_view import difference_view


def shown(before: object, after: object, unit: str = "") -> str:
    setting: dict[str, Any] = {
        "key": "services.orders.x",
        "before": before,
        "after": after,
        "unit": unit,
        "meaning": "",
        "risk": "low",
        "touches": "nobody",
    }
    console = Console(file=io.StringIO(), width=200)
    console.print(difference_view({"settings": [setting], "releases": []}))
    return console.file.getvalue().splitlines()[0].strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (["${OSTIARY_PYTHON}"], ["a", "b"], '["${OSTIARY_PYTHON}"] → ["a", "b"]'),
        (
            {},
            {"a": {"in_canary": True, "steps": [1]}},
            "{} → {a = {in_canary = true, steps = [1]}}",
        ),
        ("x", None, '"x" → not set'),
    ],
)
def test_values_look_as_they_are_written(before, after, words):
    assert shown(before, after) == f"services.orders.x  {words}"


def test_a_unit_stands_behind_a_number_only():
    assert shown(1, 2, "seconds").endswith("1 → 2 seconds")
    assert shown(1, None, "seconds").endswith("1 → not set")
