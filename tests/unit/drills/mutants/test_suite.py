"""Running a checkout's tests on a mutant: real pytest, real coverage, on a few tests."""

from pathlib import Path

import pytest

import ostiary
from ostiary.drills.mutants.model import Mutant, MutantKind
from ostiary.drills.mutants.suite import Suite, find_suite
from ostiary.kernel.errors import OstiaryError

FORMS = "ostiary/identity/http/forms.py"
TESTS = """
import logging

from ostiary.identity.http import forms


def test_a_hint_is_part_of_the_problem():
    # Pytest shows it where the test fails, in a line that looks like one of its summary.
    logging.getLogger("other.py").error("This is no test.")
    assert forms._malformed("Write less.").hint == "Write less."


def test_what_has_nothing_to_do_with_it():
    assert forms.__doc__
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    place = tmp_path_factory.mktemp("suite")
    directory = place / "checkout/tests/unit/identity/http"
    directory.mkdir(parents=True)
    (directory / "test_forms.py").write_text(TESTS)
    found = Suite(place / "checkout", place / "learnt")
    found.prepare()
    return found


def with_fault(old: str, new: str) -> Mutant:
    text = (Path(ostiary.__file__).parent.parent / FORMS).read_text()
    assert text.count(old) == 1
    line = text.partition(old)[0].count("\n") + 1
    return Mutant(MutantKind.CODE, 1, FORMS, line, text.replace(old, new), "")


def test_a_test_that_comes_by_the_line_finds_the_fault(suite) -> None:
    fault = with_fault("hint=hint", 'hint=""')
    (failed,) = suite.failing(fault)
    assert failed == "tests/unit/identity/http/test_forms.py::test_a_hint_is_part_of_the_problem"
    # The package is as it was: the fault was nowhere but in that run.
    assert suite.failing(with_fault("_FIELDS_MAX = 50", "_FIELDS_MAX = 51")) == ()


def test_a_fault_that_does_not_even_import_fails_every_test_of_its_module(suite) -> None:
    (failed,) = suite.failing(with_fault("_FIELDS_MAX = 50", "_FIELDS_MAX = 50 / 0"))
    assert failed.startswith("tests/unit/identity/http/test_forms.py")


def test_tests_that_fail_without_any_fault_judge_nothing(tmp_path) -> None:
    directory = tmp_path / "tests/unit/identity"
    directory.mkdir(parents=True)
    (directory / "test_no.py").write_text("def test_no():\n    assert 1 == 2\n")
    with pytest.raises(OstiaryError, match="do not pass without any fault"):
        Suite(tmp_path, tmp_path / "learnt").prepare()


def test_the_tests_of_this_checkout_are_found(tmp_path) -> None:
    suite = find_suite(tmp_path)
    assert suite is not None
    assert (suite.checkout / "pyproject.toml").exists()
