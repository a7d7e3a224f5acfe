"""Every rule of the second opinion names its tests, and every test of a rule is named by one."""

import ast
import re
from functools import cache

import pytest

from tests.tidy.repository import Function, files_ending, read

PAGE = "docs/second-opinion.md"
RULE = re.compile(r"^- \*\*(SO-\d+)\*\* (.*?)(?=^- |^#|^\w|\Z)", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
LATER = "*Of a later version:*"


def rules() -> dict[str, str]:
    """Return the text of each rule with its tests, by the rule's name."""
    found = RULE.findall(read(PAGE))
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    if path not in files_ending(".py"):
        return frozenset()
    functions = (node for node in ast.walk(ast.parse(read(path))) if isinstance(node, Function))
    return frozenset(each.name for each in functions if each.name.startswith("test_"))


def missing(rule: str) -> list[str]:
    """Return the tests that a rule names and that do not exist."""
    named = (test.split("::") for test in TEST.findall(rule))
    return [f"{path}::{name}" for path, name in named if name not in names_in(path)]


def test_every_name_of_a_rule_on_the_page_belongs_to_a_rule() -> None:
    assert set(re.findall(r"\*\*(SO-\d+)\*\*", read(PAGE))) == rules().keys()


@pytest.mark.parametrize("name", rules())
def test_a_rule_names_tests_that_exist(name: str) -> None:
    rule = rules()[name]
    assert bool(TEST.findall(rule)) != rule.startswith(LATER)
    assert missing(rule) == []


def test_every_test_of_a_rule_is_named_by_one() -> None:
    named = set(TEST.findall(read(PAGE)))
    files = [name for name in files_ending(".py") if name.startswith("tests/edge/test_rule_")]
    assert files
    assert [f"{f}::{t}" for f in files for t in names_in(f) if f"{f}::{t}" not in named] == []
