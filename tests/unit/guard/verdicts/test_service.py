"""Verdicts that last: through restarts, other revisions, and the end of a rollout."""

from contextlib import closing

import pytest

from ostiary.changes.verdicts import JourneyRun
from ostiary.guard.verdicts import record
from ostiary.guard.verdicts.service import Verdicts
from ostiary.kernel.journal import Entry, Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.verdicts.conftest import rollouts_in

ROLLOUTS = rollouts_in(
    "http://stable.test", "http://canary.test", 'routes = ["token"]\npasses_min = 3'
)
PASSES = JourneyRun({"discovery": (None, None)})
FAILS = JourneyRun({"discovery": ("HTTP 500.", None)})
ASKER = "argo"


def counts(requests: int, faults: int = 0, revision: str = "r1", **more: object) -> dict:
    arms = [("canary", requests, faults), ("stable", 9 * requests, 0)]
    rows = [{"arm": a, "route": "token", "requests": n, "faults": f} for a, n, f in arms]
    return {"revision": revision, "counters": rows, **more}


class Lasting:
    """A service that can be ended and begun again on the same journal."""

    def __init__(self, path) -> None:
        self.clock = FakeClock()
        self.path = path
        self.journal = Journal(path, self.clock)
        self.verdicts = Verdicts(ROLLOUTS, self.journal, self.clock)

    def begin_again(self) -> None:
        self.journal.close()
        self.journal = Journal(self.path, self.clock)
        self.verdicts = Verdicts(ROLLOUTS, self.journal, self.clock)

    def ask(self, revision: str = "r1") -> dict:
        return self.verdicts.ask("login", revision, ASKER)

    def walk(self, run: JourneyRun, times: int, revision: str = "r1") -> None:
        for _ in range(times):
            self.clock.advance(1)
            self.verdicts.note_run("login", revision, run)

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.journal.entries()]


@pytest.fixture
def lasting(tmp_path):
    made = Lasting(tmp_path / "verdicts.db")
    with closing(made.journal):
        yield made


def stopped(lasting: Lasting) -> None:
    lasting.ask()
    lasting.walk(FAILS, 15)
    assert lasting.ask()["verdict"] == "stop"


def test_a_service_that_begins_again_goes_on_with_what_it_knew(lasting):
    lasting.ask()
    lasting.walk(PASSES, 3)
    lasting.verdicts.count("login", counts(100))
    lasting.verdicts.count("login", counts(1100))
    before = lasting.ask()
    assert before["verdict"] == "go"
    lasting.begin_again()
    assert lasting.ask() == before
    # The first reading after it says nothing, since the totals before it are not known any more.
    lasting.verdicts.count("login", counts(5000, faults=4000))
    assert lasting.ask()["evidence"]["routes"] == before["evidence"]["routes"]
    lasting.verdicts.count("login", counts(5010, faults=4000))
    assert lasting.ask()["evidence"]["routes"]["token"]["canary"]["requests"] == 1010


def test_a_stop_outlasts_a_restart_and_another_revision(lasting):
    stopped(lasting)
    reasons = lasting.ask()["reasons"]
    lasting.begin_again()
    assert lasting.ask()["reasons"] == reasons
    assert lasting.ask("r2")["verdict"] == "undecided"
    again = lasting.ask("r1")
    assert (again["verdict"], again["reasons"]) == ("stop", reasons)
    assert lasting.verdicts.show("login")["revision"] == "r2"
    lasting.begin_again()
    assert lasting.ask("r1")["verdict"] == "stop"


def test_a_reset_names_who_and_why_and_begins_anew(lasting):
    stopped(lasting)
    lasting.verdicts.reset("login", {"reason": "the probe's secret was wrong"}, "ada")
    assert lasting.verdicts.show("login")["reasons"][0]["code"] == "not_begun"
    assert lasting.ask()["verdict"] == "undecided"
    entry = next(each for each in lasting.journal.entries() if each.kind == record.RESET)
    assert entry.data["operator"] == "ada"
    assert entry.data["reason"] == "the probe's secret was wrong"


def test_an_earlier_revision_is_reset_by_name_without_touching_the_present_one(lasting):
    stopped(lasting)
    lasting.ask("r2")
    lasting.verdicts.reset("login", {"reason": "a mistake", "revision": "r1"}, "ada")
    assert lasting.verdicts.show("login")["revision"] == "r2"
    assert lasting.ask("r1")["verdict"] == "undecided"


def test_a_new_revision_owes_nothing_to_the_one_before(lasting):
    lasting.ask()
    lasting.walk(FAILS, 5)
    answer = lasting.ask("r2")
    assert answer["evidence"]["journey_runs"] == 0
    assert answer["evidence"]["e_value"] < 1.01


def test_a_run_that_was_under_way_for_another_revision_is_not_counted(lasting):
    lasting.ask("r2")
    lasting.walk(FAILS, 20, revision="r1")
    assert lasting.ask("r2")["evidence"]["journey_runs"] == 0


def test_journeys_run_while_somebody_asks_and_until_the_end(lasting):
    assert lasting.verdicts.under_way("login") is None
    lasting.ask()
    assert lasting.verdicts.under_way("login") == "r1"
    lasting.clock.advance(901)
    assert lasting.verdicts.under_way("login") is None
    lasting.ask()
    assert lasting.verdicts.under_way("login") == "r1"
    assert lasting.verdicts.end("login", "other")["reasons"][0]["code"] != "ended"
    assert lasting.verdicts.end("login", "r1")["reasons"][0]["code"] == "ended"
    assert lasting.verdicts.under_way("login") is None
    lasting.walk(FAILS, 20)
    lasting.begin_again()
    assert lasting.verdicts.show("login")["verdict"] == "undecided"
    assert lasting.ask()["reasons"][0]["code"] == "journeys_not_run"


def test_only_verdicts_that_change_are_noted_and_no_totals_are(lasting):
    lasting.ask()
    lasting.walk(PASSES, 3)
    for total in (100, 1100, 1200):
        lasting.verdicts.count("login", counts(total))
        lasting.ask()
    lasting.ask()
    noted = [each for each in lasting.journal.entries() if each.kind == record.VERDICT]
    assert [each.data["verdict"] for each in noted] == ["undecided", "go"]
    assert lasting.kinds().count(record.COUNTED) == 2
    assert lasting.journal.verify().whole


def test_a_change_of_the_share_is_noted_and_counts_nothing(lasting):
    lasting.ask()
    lasting.verdicts.count("login", counts(100, share=5))
    lasting.verdicts.count("login", counts(900, faults=800, share=50))
    assert lasting.ask()["evidence"]["routes"]["token"]["canary"]["requests"] == 0
    lasting.begin_again()
    assert lasting.ask()["evidence"]["routes"]["token"]["canary"]["requests"] == 0


def test_as_many_stopped_revisions_are_remembered_as_is_said():
    at, course = "2026-01-01T00:00:00.000Z", record.Course()
    terms = {"alpha": 0.001, "routes": [], "harmless_margin": 0.01}
    for number in range(record.STOPPED_MAX + 2):
        begun = {"revision": f"r{number}", "terms": terms}
        course = course.after(Entry(1, at, record.BEGUN, "login", begun))
        for _ in range(15):
            run = record.run_data(FAILS)
            course = course.after(Entry(1, at, record.JOURNEYS_RUN, "login", run))
    assert list(course.stopped) == [f"r{number}" for number in range(2, record.STOPPED_MAX + 2)]
