"""Mutants are small faults: they compile, differ, say where, and come back by their seed."""

import ast
from pathlib import Path

import pytest

import ostiary
from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.drills.mutants.code import code_mutants
from ostiary.drills.mutants.model import MutantKind
from ostiary.drills.mutants.operators import Operators
from ostiary.drills.mutants.settings import settings_mutants, written_out
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.settings import parse_document

SOURCE = Path(ostiary.__file__).parent.parent

MODULE = '''"""What this is for."""

from math import pi

LIMIT: int = 3


def within(value: int, *, strict: bool = True) -> bool:
    """Return whether a value is within the limit."""
    return value < LIMIT if strict else value <= LIMIT
'''


@pytest.fixture(scope="module")
def mutants():
    return list(code_mutants(SOURCE, 30, 7))


def test_every_mutant_of_the_code_is_one_fault_in_one_module_of_identity(mutants) -> None:
    assert len(mutants) == 30
    assert len({each.key for each in mutants}) == 30
    for each in mutants:
        assert each.kind is MutantKind.CODE
        assert each.path.startswith("ostiary/identity/")
        assert "migrations" not in each.path
        original = (SOURCE / each.path).read_text()
        assert ast.dump(ast.parse(each.text)) != ast.dump(ast.parse(original))
        lines = [line for line in each.diff.splitlines() if line.startswith("@@")]
        assert len(lines) == 1, each.diff


def test_the_line_is_where_the_fault_begins(mutants) -> None:
    for each in mutants:
        before = (SOURCE / each.path).read_text().splitlines()
        after = each.text.splitlines()
        assert before[: each.line - 1] == after[: each.line - 1]


def test_the_same_seed_draws_the_same_mutants_and_another_one_others(mutants) -> None:
    again = list(code_mutants(SOURCE, 5, 7))
    assert [each.key for each in again] == [each.key for each in mutants[:5]]
    others = list(code_mutants(SOURCE, 5, 8))
    assert not {each.key for each in others} & {each.key for each in again}


def test_types_imports_and_docstrings_are_left_alone() -> None:
    operators, rng = Operators(), SeededRandom(1)
    found = [operators.draw(MODULE, rng) for _ in range(200)]
    texts = {fault.text for fault in found if fault is not None}
    assert len(texts) > 5
    for text in texts:
        assert text.startswith(MODULE.split("LIMIT", maxsplit=1)[0])
        assert "value: int, *, strict: bool" in text
        assert "Return whether a value is within the limit." in text


def test_a_module_without_code_offers_nothing() -> None:
    assert Operators().draw('"""Only words."""\n', SeededRandom(1)) is None


def test_a_release_without_identity_has_no_mutants(tmp_path) -> None:
    assert list(code_mutants(tmp_path, 3, 1)) == []


def test_without_the_mutation_tool_it_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mutmut.mutation.mutators", None)
    with pytest.raises(UsageError, match="mutmut") as refused:
        Operators()
    assert "pip install" in refused.value.hint


def test_the_settings_that_mistakes_are_made_in_are_in_order() -> None:
    configuration = parse_configuration(parse_document(written_out(), file="ostiary.toml"))
    assert check_configuration(configuration) == ()


def test_mutants_of_the_settings_differ_and_come_back_by_their_seed() -> None:
    text = written_out()
    mutants = list(settings_mutants(text, 40, 3))
    assert len({each.text for each in mutants} - {text}) == 40
    assert all(each.kind is MutantKind.SETTINGS and each.diff for each in mutants)
    assert [each.key for each in settings_mutants(text, 40, 3)] == [each.key for each in mutants]
