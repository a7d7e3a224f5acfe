"""The report: what it shows of a run that is made up, second by second."""

import dataclasses
import os
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.drills.expectation import unmet
from ostiary.drills.facts import DrillFacts
from ostiary.drills.ledger import Came, Entry, Expected, Ledger, Run
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.recording import LoadReading, Moment, Recorder
from ostiary.drills.report import figures
from ostiary.drills.report.charts import charts
from ostiary.drills.report.page import render, require_writable, write_report
from ostiary.drills.report.plot import ticks
from ostiary.drills.report.words import end_in_words
from ostiary.drills.runner import Drill
from ostiary.drills.scenarios.catalogue import scenario
from ostiary.drills.scoring import score
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError

ZERO = 1_800_000_000.0
NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'
JOURNEYS = [
    (
        "journey_failed",
        f"sign_in: no code (canary, request {number:08}-e6c0-4edd-8c40-3d2fbe4d3b0a)",
    )
    for number in range(3)
]


def entry(at, user, came=Came.GRANTED, action="sign_in", detail=""):
    ok = came is Came.GRANTED
    times = {"intended": ZERO + at, "started": ZERO + at, "ended": ZERO + at + 0.1}
    return Entry(
        # Counted from 0: negative numbers are visits of somebody else.
        visit=round((at + 10) * 10),
        user=user,
        action=action,
        expected=Expected.GRANT,
        came=came,
        ok=ok,
        wrong_yes=False,
        detail=detail,
        **times,
    )


def entries(*, failing=()):
    return [
        entry(
            at / 2,
            f"u-{at % 20:04}",
            Came.FAULT if at % 20 in failing and at >= 0 else Came.GRANTED,
            detail=HOSTILE if at % 20 in failing else "",
        )
        for at in range(-20, 60)
    ]


def evidence(highest=7.4):
    points = [
        {
            "seconds": float(second),
            "lasted": 1.0,
            "share": 0.25,
            "log_e": highest * second / 10,
            "low": 0.0,
            "high": highest * second / 10,
            "canary_requests": second,
            "control_requests": second + 1,
        }
        for second in range(11)
    ]
    moment = {"at": "", "seconds": 10.0, "log_e": highest, "text": "token: 13 of 36 overturned."}
    return {
        "began_at": "2027-01-15T08:00:05Z",
        "threshold": 6.9,
        "steps": [{"seconds": 0.0, "share": 0.0}, {"seconds": 2.0, "share": 0.25}],
        "points": points,
        "reached": moment,
        "highest": moment,
    }


def drill(name="seed-000", *, failing=(), change=None, mode=Mode.UNGUARDED, **known):
    order = DrillOrder(scenario(name), mode, None, seed=7)
    facts = DrillFacts(drill=name, mode=mode.value, fault_at=ZERO, **known)
    run = Run(ZERO - 10, 2.0, 60.0, 7, 20)
    ledger = Ledger(run, tuple(entries(failing=failing)), ZERO + 30)
    recorder = Recorder(SystemClock(), lambda _: None)
    recorder.moments = [Moment(ZERO - 10, "Users sign in."), Moment(ZERO, "It began.", "let loose")]
    recorder.readings = [
        LoadReading(ZERO + second, replica, "s-1", 1, 3.0 * second, max(0.0, second - 20.0))
        for replica in ("identity-a", "identity-b")
        for second in range(30)
    ]
    result = score(ledger, facts)
    return Drill(order, result, ledger, recorder, change, unmet(result, order))


class Page(HTMLParser):
    """Gathers the elements of a page, and that each that was opened is closed."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self._open = [], [], []
        self.feed(text)
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def count(self, tag):
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def page():
    """A page with an outage, one that was held off, and one that could not be run."""
    held_off = drill(
        mode=Mode.GUARDED,
        change={"evidence": evidence(), "snapshot": "s-1"},
        stage="canary",
        verdict="rolled_back",
        hidden=4,
        reasons=(("harm", "The canary does harm."), *JOURNEYS),
    )
    unborn = DrillOrder(scenario("seed-002"), Mode.GUARDED, None, seed=7)
    facts = DrillFacts(drill="seed-002", mode="guarded", failure="port 80 is taken")
    nobody = Ledger(Run(0.0, 20.0, 0.0, 7, 0), (), None)
    result = score(nobody, facts)
    recorder = Recorder(SystemClock(), lambda _: None)
    never_ran = Drill(unborn, result, nobody, recorder, None, unmet(result, unborn))
    drills = [drill(failing=range(15)), held_off, never_ran]
    return Page(render(drills, now=NOW))


def test_the_page_needs_nothing_else(page):
    assert page.count("script") == 0
    assert page.count("link") == 0
    assert page.count("img") == 0
    addresses = [v for _, attrs in page.elements for k, v in attrs.items() if k in ("href", "src")]
    assert all(address.startswith("#") for address in addresses), addresses
    (style,) = [text for text in page.text if "--page" in text]
    assert not re.search(r"url\(|@import", style)
    assert "prefers-color-scheme: dark" in style


def test_links_lead_to_the_drill_that_they_name(page):
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    hrefs = [attrs["href"] for tag, attrs in page.elements if tag == "a"]
    assert sorted(href.removeprefix("#") for href in hrefs) == sorted(ids)
    assert len(set(ids)) == 4


def test_what_replicas_and_releases_say_cannot_become_markup(page):
    assert any(HOSTILE in text for text in page.text)


def test_the_outage_s_own_figures_stand_beside_ours(page):
    words = " ".join(" ".join(page.text).split())
    assert "75% of users" in words
    assert "120 min" in words
    assert "15 of 20" in words
    assert "In the outage 75% of the users were hit, for 120 minutes" in words
    assert "1 of 2 affected nobody" in words
    assert "Void: it could not be run: port 80 is taken." in words


def test_every_picture_has_a_name_and_its_numbers_as_a_table(page):
    pictures = [attrs for tag, attrs in page.elements if tag == "svg" and attrs.get("role")]
    assert all(picture["aria-label"] for picture in pictures)
    assert len(pictures) == page.count("details") == 6


def test_only_moments_with_a_mark_stand_in_the_charts(page):
    words = [text for text in page.text if text in {"let loose", "Users sign in."}]
    # Each chart has it twice, as a label and on hover; the timeline of the two drills once.
    assert words.count("let loose") == 2 * page.count("details")
    assert words.count("Users sign in.") == 2


def test_values_are_told_on_hover(page):
    titles = page.count("title") - 1
    assert titles > 200
    assert "3 s: 0 went well, 2 did not" in page.text
    # Two replicas have had the seat; nothing was proposed in the first drill.
    assert "replica 2, 25 s: 3.0 a second, 1.0 sent away" in page.text
    assert "replica 2 (identity-b), 25 s: 3.0 a second, 1.0 sent away" in page.text
    assert "new version, replica 2, 25 s: 3.0 a second, 1.0 sent away" in page.text


def test_a_failure_that_several_accounts_met_is_told_once(page):
    assert "sign_in: no code (canary) (3 times)" in page.text
    assert not [text for text in page.text if "e6c0-4edd" in text]


def test_the_evidence_is_told_against_its_threshold():
    known = {"stage": "canary", "verdict": "rolled_back", "mode": Mode.GUARDED}
    found = charts(drill(change={"evidence": evidence(), "snapshot": "s-2"}, **known))
    (chart,) = [each for each in found if each.title == "Evidence of harm"]

    assert "rolled back from 6.9 nats on" in chart.svg
    assert "of harmless versions at most 0.1 % come that far" in chart.caption
    assert "10 s after the canary began it reached 7.4 nats: token: 13 of 36 overturned." in (
        chart.caption
    )
    # The canary began five seconds after the fault.
    assert chart.rows[-1] == ("15.0", "25%", "7.40", "10", "11")


@pytest.mark.parametrize(
    ("known", "change", "why"),
    [
        ({}, None, "Nothing was proposed"),
        ({"stage": "check"}, {"evidence": None}, "ended in stage check, before any user met it"),
        ({"stage": "good"}, {"evidence": None}, "nobody compared it"),
        (
            {"stage": "canary", "mode": Mode.GUARDED, "name": "seed-004"},
            {"evidence": None},
            "each replica was held against its capacity",
        ),
        (
            {"stage": "canary", "mode": Mode.GUARDED},
            {"evidence": None},
            "taken back before requests of users could be compared",
        ),
    ],
)
def test_without_evidence_the_report_says_why(known, change, why):
    found = charts(drill(change=change and {"snapshot": "s-2", **change}, **known))
    (chart,) = [each for each in found if each.title == "Evidence of harm"]

    assert chart.svg is None
    assert why in chart.caption


def test_users_are_told_with_the_moments_at_which_they_were_affected():
    found = figures.affected(entries(failing=[3, 5]), ZERO)

    assert [each.user for each in found] == ["u-0003", "u-0005"]
    assert found[0].moments == (1.6, 11.6, 21.6)
    assert found[0].came == "fault"


def test_visits_are_counted_in_the_second_in_which_they_began():
    told = figures.visits(entries(failing=range(20)), ZERO)

    assert told[0] == figures.Visits(second=-10, well=2, failed=0)
    assert told[-1] == figures.Visits(second=29, well=0, failed=2)
    assert sum(each.well + each.failed for each in told) == 80


def test_a_visit_failed_where_any_action_of_it_failed_that_was_due():
    def action(at, came, expected=Expected.GRANT):
        made = entry(at, "u-1", came)
        return dataclasses.replace(
            made, visit=1, expected=expected, ok=came is Came.GRANTED or expected != Expected.GRANT
        )

    well = [action(0.2, Came.GRANTED), action(1.4, Came.REFUSED, Expected.REFUSE)]

    assert figures.visits(well, ZERO) == [figures.Visits(0, 1, 0)]
    assert figures.visits([*well, action(2.3, Came.FAULT)], ZERO) == [figures.Visits(0, 0, 1)]


def test_the_load_of_a_replica_is_its_rate_over_the_last_three_readings():
    readings = [
        LoadReading(ZERO + second, "a", "s-1", 0, asked, 0.0)
        for second, asked in enumerate([10.0, 14.0, 14.0, 22.0, 22.0])
    ]
    readings.append(LoadReading(ZERO, "b", "s-2", 0, 1.0, 0.0))

    found = figures.loads(readings, ZERO)

    assert list(found) == ["replica 1"], "one reading says nothing about a rate"
    assert [each.asked for each in found["replica 1"]] == [4.0, 2.0, 4.0, 8 / 3]
    assert list(figures.loads(readings, ZERO, "s-2")) == ["last good, replica 1"]
    assert list(figures.loads(readings, ZERO, "s-1")) == ["new version, replica 1"]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_lie_within(low, span):
    found = list(ticks(low, low + span))

    assert 1 <= len(found) <= 12
    slack = span * 1e-3 + 1e-5
    assert all(low - slack <= value <= low + span + slack for value in found)


@pytest.mark.parametrize(
    ("known", "ended"),
    [
        ({"mode": Mode.UNGUARDED}, "nobody stopped it"),
        ({"mode": Mode.GUARDED}, "undecided"),
        ({"mode": Mode.GUARDED, "verdict": "refused", "stage": "check"}, "refused in check"),
        ({"mode": Mode.GUARDED, "failure": "port 80 is taken"}, "-"),
        ({"mode": Mode.UNGUARDED, "name": "crash-loop"}, "removed"),
        ({"mode": Mode.GUARDED, "name": "crash-loop"}, "removed"),
    ],
)
def test_how_a_drill_ended_is_told_as_it_was(known, ended):
    assert end_in_words(drill(**known).to_json()) == ended


def test_of_a_fault_that_is_injected_the_page_does_not_say_that_it_was_proposed():
    drills = [drill("crash-loop", mode=mode) for mode in (Mode.UNGUARDED, Mode.GUARDED)]

    text = "".join(Page(render(drills, now=NOW)).text)

    assert "the guard stands still meanwhile" in text
    assert "the guard does what it can meanwhile" in text
    assert "It is proposed to the guard" not in text
    assert "replaces what was there" not in text


def test_a_report_is_written_whole_and_where_it_cannot_be_that_is_said_first(tmp_path):
    require_writable(tmp_path / "drills.html")
    write_report(tmp_path / "drills.html", [drill()], now=NOW)
    assert (tmp_path / "drills.html").read_text().endswith("</html>")

    # What was there before stays until there is something to replace it.
    require_writable(tmp_path / "drills.html")
    assert [each.name for each in tmp_path.iterdir()] == ["drills.html"]

    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "is no file"),
        (tmp_path / "nowhere" / "drills.html", "No such file or directory"),
        (tmp_path / "drills.html" / "drills.html", "Not a directory"),
        (tmp_path / f"{'x' * 300}.html", "File name too long"),
    ):
        with pytest.raises(UsageError, match=f"The report cannot be written: .*{why}"):
            require_writable(path)
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write_report(tmp_path / "nowhere" / "drills.html", [drill()], now=NOW)
