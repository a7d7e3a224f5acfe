"""The healthy changes are changes, and each of their releases can be imported."""

import ast
from pathlib import Path

import ostiary
from tests.healthy.changes import healthy_change

RELEASE = Path(ostiary.__file__).parent.parent


def test_two_hundred_differ_from_what_there_is_and_from_each_other() -> None:
    seen = set()
    for number in range(200):
        change = healthy_change(number, 1, RELEASE)
        for name, text in change.files.items():
            assert ast.dump(ast.parse(text)) != ast.dump(ast.parse((RELEASE / name).read_text()))
        seen.add((tuple(sorted(change.files.items())), tuple(sorted(change.settings.items()))))
    assert len(seen) >= 195


def test_the_same_number_and_seed_are_the_same_change() -> None:
    assert healthy_change(4, 1, RELEASE) == healthy_change(4, 1, RELEASE)
    assert healthy_change(4, 1, RELEASE) != healthy_change(4, 2, RELEASE)
