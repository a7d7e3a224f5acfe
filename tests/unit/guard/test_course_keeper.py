"""The series of the running change is journalled at steps and at the end, and no more often."""

from contextlib import closing
from dataclasses import replace

import pytest

from ostiary.changes.balance import Balance
from ostiary.changes.controller import begin
from ostiary.changes.events import WindowClosed
from ostiary.changes.evidence import ArmCounts, EvidenceSettings, StratumWindow
from ostiary.changes.model import Verdict
from ostiary.changes.pacing import Pacing
from ostiary.guard import history
from ostiary.guard.course_keeper import CourseKeeper
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock

WINDOW = WindowClosed((StratumWindow("token", ArmCounts(3, 0, 0, 0), ArmCounts(2, 0, 0, 0)),))


@pytest.fixture
def journal(tmp_path):
    with closing(Journal(tmp_path / "guard.db", FakeClock())) as journal:
        yield journal


@pytest.fixture
def keeper(journal):
    keeper = CourseKeeper(journal, FakeClock())
    keeper.begin("c-1")
    return keeper


def state_at(seconds: float, share: float | None = 0.0, **fields):
    evidence = EvidenceSettings(strata=("token",))
    state, _ = begin("c-1", "s-2", now=0.0, pacing=Pacing(), evidence=evidence)
    return replace(state, seen=seconds, share=share, step_began=0.0, **fields)


def kept(journal):
    return [each for each in journal.entries() if each.kind == history.CHANGE_EVIDENCE]


def test_the_series_is_journalled_once_per_step_and_at_the_verdict(keeper, journal):
    for share in (0.0, 0.01, 0.05):
        for number in range(6):
            keeper.add(state_at(number / 2 + share * 100, share), WINDOW)
            keeper.keep(state_at(number / 2, share))
    assert len(kept(journal)) == 3
    ended = state_at(9.0, 0.05, verdict=Verdict.ROLLED_BACK)
    keeper.keep(ended)
    keeper.keep(ended)
    entries = kept(journal)
    assert len(entries) == 4
    found = history.read([*_proposed(journal), *entries]).get("c-1").evidence
    assert found is not None
    assert [step["share"] for step in found["steps"]] == [0.0, 0.01, 0.05]
    assert found == keeper.of("c-1")


def _proposed(journal):
    data = {"snapshot": "s-2", "from_snapshot": "s-1", "request": {}}
    journal.append(history.CHANGE_PROPOSED, "c-1", data)
    return [each for each in journal.entries() if each.kind == history.CHANGE_PROPOSED]


def test_a_journal_without_a_series_replays(journal):
    assert history.read(_proposed(journal)).get("c-1").evidence is None


def test_a_change_that_met_no_canary_has_no_series(keeper, journal):
    keeper.keep(state_at(1.0, None))
    keeper.add(state_at(1.0, None), WINDOW)
    keeper.keep(state_at(2.0, None, verdict=Verdict.REFUSED))
    assert (keeper.of("c-1"), kept(journal)) == (None, [])


@pytest.mark.parametrize(("by_arms", "is_followed"), [(False, False), (True, True)])
def test_a_change_of_the_edge_has_one_only_where_arms_are_compared(keeper, by_arms, is_followed):
    balance = Balance(None, None, alpha=0.001, by_arms=by_arms)
    keeper.add(state_at(1.0, balance=balance), WINDOW)
    assert (keeper.of("c-1") is not None) == is_followed


def test_the_next_change_begins_anew(keeper):
    keeper.add(state_at(1.0), WINDOW)
    keeper.begin("c-2")
    assert keeper.of("c-1") is None
    assert keeper.of("c-2") is None
