"""What people see of a change that waits, was forced, or was commented on."""

import io

import pytest
from rich.console import Console

from ostiary.cli.change_view import duration, show_change, show_progress, state_words

CHANGE = {
    "change": "c-1",
    "snapshot": "s-2",
    "from_snapshot": "s-1",
    "stage": "approve",
    "verdict": None,
    "reasons": [],
    "users_affected": None,
    "failed_attempts_hidden": None,
    "seconds": None,
    "share": None,
    "forced": False,
    "reason": None,
    "security": False,
    "tightens": [],
    "fixes": None,
    "restores": None,
    "from_stage": "check",
    "difference": None,
    "kinds": [],
    "proposed_at": "2026-01-02T03:04:05.678Z",
    "proposed_by": "ada",
    "approved_by": None,
    "approval": {
        "required": True,
        "skipped": False,
        "waiting": True,
        "approvers": ["bob", "owner"],
        "seconds_left": 604_800.0,
    },
    "orders": [],
    "comments": [],
    "live": None,
}
NOT_NEEDED = {
    "required": False,
    "skipped": False,
    "waiting": False,
    "approvers": [],
    "seconds_left": None,
}


def shown(what) -> str:
    console = Console(file=io.StringIO(), width=100)
    show_change(console, what) if isinstance(what, dict) else console.print(what)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


def test_a_change_that_waits_says_who_may_approve_how_and_until_when():
    text = shown(CHANGE)
    assert "Another operator has to approve it within 7 days: bob, owner." in text
    assert "ostiary change approve c-1" in text
    assert state_words(CHANGE).plain == "waits for approval"


def test_comments_are_shown_as_they_were_written():
    comment = {"at": "2026-01-02T03:04:05.678Z", "operator": "bob", "text": "[red]no[/red] :x:"}
    text = shown(CHANGE | {"comments": [comment]})
    assert "2026-01-02 03:04 bob: [red]no[/red] :x:" in text


def test_a_forced_change_is_loud_in_both_views():
    approval = NOT_NEEDED | {"required": True, "skipped": True}
    forced = CHANGE | {"forced": True, "reason": "on [fire]", "approval": approval}
    assert "FORCED by ada, without approval and evidence: on [fire]" in shown(forced)
    assert state_words(forced | {"verdict": "promoted"}).plain == "promoted FORCED"
    assert "without evidence: on" in shown(forced | {"approval": NOT_NEEDED})


def test_the_stage_is_named_only_where_it_is_gone_through():
    assert "approve" in shown(show_progress(CHANGE))
    assert "approve" not in shown(
        show_progress(CHANGE | {"approval": NOT_NEEDED, "stage": "check"})
    )


def test_a_change_of_an_older_guard_without_names_is_shown():
    text = shown(CHANGE | {"proposed_by": None, "approval": NOT_NEEDED})
    assert "UTC by" not in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "20 s"),
        (89, "89 s"),
        (90, "2 min"),
        (1_000, "17 min"),
        (7_200, "2 h"),
        (604_800, "7 days"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words
