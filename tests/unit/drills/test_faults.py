import ast
import hashlib
import importlib.util
import shutil
from pathlib import Path

import pytest

import ostiary
from ostiary.drills.example import example_services
from ostiary.drills.faults import Edit, FaultNotInjectableError, apply_edits
from ostiary.drills.preparing import as_slow_as
from ostiary.drills.scenarios.catalogue import names, scenario
from ostiary.drills.traffic_plan import invent_people
from ostiary.kernel.ids import SeededRandom

SOURCE = Path(ostiary.__file__).parent
STORAGE = "ostiary/identity/accounts/storage.py"
SHARDED_LOOKUP = scenario("seed-000").content.fault.edits
FAULTS = {name: scenario(name).content.fault for name in names()}
EDITS = {
    name: fault.edits
    for name, fault in FAULTS.items()
    if fault.edits and fault.service == "identity"
} | {"a small replica": [as_slow_as(12.0)]}


@pytest.fixture
def release(tmp_path):
    """The identity code of this checkout, copied as a release is."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / "identity", tmp_path / "ostiary" / "identity", ignore=ignored)
    return tmp_path


class ReachedError(Exception):
    """The lookup got as far as the store."""


class NoStore:
    """A connection that tells when it is used."""

    def execution_options(self, **_options):
        return self

    def execute(self, *_arguments):
        raise ReachedError


@pytest.fixture
def fails(release):
    """Whether the lookup of the drilled release fails for an address before it asks the store."""
    apply_edits(SHARDED_LOOKUP, release)
    spec = importlib.util.spec_from_file_location("drilled_storage", release / STORAGE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def fails_for(email):
        try:
            module.Accounts().find_by_email(NoStore(), email)
        except KeyError:
            return True
        except ReachedError:
            return False
        raise AssertionError("the lookup answered without a store")

    return fails_for


def test_the_fault_of_the_example_fits_the_example(tmp_path):
    shutil.copytree(example_services("orders")["orders"]["release"], tmp_path / "service")
    before = (tmp_path / "service/orders/who.py").read_text()

    apply_edits(scenario("seed-003").content.fault.edits, tmp_path / "service")

    assert (tmp_path / "service/orders/who.py").read_text() != before


@pytest.mark.parametrize("name", EDITS)
def test_every_fault_fits_the_release_of_this_checkout(name, release):
    before = {path: path.read_bytes() for path in release.rglob("*.py")}

    apply_edits(EDITS[name], release)

    changed = [path for path in before if path.read_bytes() != before[path]]
    assert changed
    for path in changed:
        ast.parse(path.read_text())


def test_a_fault_changes_the_copy_and_not_the_checkout(release):
    before = (SOURCE.parent / STORAGE).read_bytes()

    apply_edits(SHARDED_LOOKUP, release)

    assert (SOURCE.parent / STORAGE).read_bytes() == before


def test_the_sharded_lookup_raises_for_the_same_addresses_every_time(fails):
    emails = [f"user-{number}@example.org" for number in range(400)]
    first = [fails(email) for email in emails]

    assert first == [fails(email) for email in emails]
    assert 0.7 < sum(first) / len(first) < 0.8
    digits = {hashlib.sha256(email.encode()).hexdigest()[0] for email in emails if fails(email)}
    assert digits == set("456789abcdef")


@pytest.mark.parametrize("count", [20, 50, 60, 100, 200, 400])
def test_about_three_quarters_of_invented_people_are_hit(count, fails):
    people = invent_people(count, SeededRandom(0))

    assert abs(sum(fails(person.email) for person in people) / count - 0.75) < 0.06


def test_a_fault_that_does_not_fit_says_so_and_changes_nothing(release):
    storage = release / STORAGE
    text = storage.read_text().replace("def find_by_email", "def find_by_address")
    storage.write_text(text)

    with pytest.raises(FaultNotInjectableError, match="stands 0 times in ostiary/identity"):
        apply_edits(SHARDED_LOOKUP, release)

    assert storage.read_text() == text


def test_a_directory_that_is_no_release_is_refused(tmp_path):
    with pytest.raises(FaultNotInjectableError):
        apply_edits(SHARDED_LOOKUP, tmp_path)


def test_a_text_that_stands_twice_is_refused(release):
    storage = release / STORAGE
    storage.write_text(storage.read_text() + storage.read_text())

    with pytest.raises(FaultNotInjectableError, match="stands 2 times"):
        apply_edits(SHARDED_LOOKUP, release)


def test_a_fault_that_would_not_even_start_is_refused_before_anything_is_written(release):
    before = (release / STORAGE).read_text()
    edit = Edit(file=STORAGE, old="class Accounts:\n", new="class Accounts\n")

    with pytest.raises(FaultNotInjectableError, match=r"storage\.py is no Python any more: line"):
        apply_edits([edit], release)

    assert (release / STORAGE).read_text() == before


@pytest.mark.parametrize("file", ["/etc/passwd", "../other/storage.py", "ostiary/../../x.py"])
def test_a_fault_reaches_nothing_outside_the_release(file):
    with pytest.raises(ValueError, match="a file of the release is meant"):
        Edit(file=file, old="a", new="b")
