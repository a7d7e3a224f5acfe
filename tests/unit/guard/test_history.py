"""The journal's entries add up to the last good snapshot and the changes."""

from pathlib import Path

import pytest

from ostiary.guard import history
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "guard.db", FakeClock())


def propose(journal: Journal, change: str = "c-1") -> None:
    data = {"snapshot": "s-2", "from_snapshot": "s-1", "request": {}}
    journal.append(history.CHANGE_PROPOSED, change, data)


def test_an_empty_journal_knows_no_last_good_snapshot(journal):
    found = history.read(journal.entries())
    assert found.last_good is None
    assert found.unfinished == ()


def test_the_newest_mark_names_the_last_good_snapshot(journal):
    for snapshot in ("s-1", "s-2"):
        journal.append(history.MARKED_GOOD, snapshot, {"snapshot": snapshot})
    assert history.read(journal.entries()).last_good == "s-2"


def test_a_mark_says_whose_replicas_serve(journal):
    journal.append(history.MARKED_GOOD, "s-1", {"snapshot": "s-1"})
    assert history.read(journal.entries()).serving == "s-1"
    journal.append(history.MARKED_GOOD, "s-2", {"snapshot": "s-2", "serving": "s-1"})
    found = history.read(journal.entries())
    assert (found.last_good, found.serving) == ("s-2", "s-1")


def test_a_change_is_unfinished_until_it_is_settled(journal):
    propose(journal)
    journal.append(history.CHANGE_MOVED, "c-1", {"stage": "canary", "verdict": None})
    found = history.read(journal.entries())
    assert [change.id for change in found.unfinished] == ["c-1"]
    assert found.unfinished[0].state["stage"] == "canary"
    journal.append(history.CHANGE_SETTLED, "c-1", {"verdict": "rolled_back"})
    found = history.read(journal.entries())
    assert found.unfinished == ()
    change = found.find("c-1")
    assert change is not None
    assert change.result == {"verdict": "rolled_back"}


def test_a_promotion_that_was_decided_but_not_marked_is_found(journal):
    journal.append(history.MARKED_GOOD, "s-1", {"snapshot": "s-1"})
    propose(journal)
    journal.append(history.CHANGE_MOVED, "c-1", {"stage": "good", "verdict": "promoted"})
    found = history.read(journal.entries())
    assert found.promoted_unmarked is not None
    journal.append(history.MARKED_GOOD, "s-2", {"snapshot": "s-2"})
    assert history.read(journal.entries()).promoted_unmarked is None


def test_entries_of_unknown_kinds_change_nothing(journal):
    journal.append("written_by_a_newer_guard", "c-9", {"anything": 1})
    assert history.read(journal.entries()) == history.History()
