"""What people see of a change that waits, was forced, or was commented on."""

import io

import pytest
from rich.console import Console

from ostiary.cli.change_view import duration, show_change, show_progress, state_words
from ostiary.cli.revocation_view import exit_code_of
from ostiary.cli.status_view import owed_revocations
from ostiary.kernel.errors import ExitCode

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
    "decided_at": None,
    "withdrawal": None,
    "revocation": None,
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


def test_what_a_replica_logged_stands_below_its_reason():
    reasons = [
        {"code": "a", "text": "sign-in failed", "numbers": {"log": "bug [red]\nKeyError: 'x'"}},
        {"code": "b", "text": "and so did refresh", "numbers": {}},
        {"code": "c", "text": "as before"},
    ]
    lines = [line.split() for line in shown(CHANGE | {"reasons": reasons}).splitlines()]

    start = lines.index(["why", "1.", "sign-in", "failed"])
    assert lines[start + 1 : start + 5] == [
        ["log", "bug", "[red]"],
        ["KeyError:", "'x'"],
        ["2.", "and", "so", "did", "refresh"],
        ["3.", "as", "before"],
    ]


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


WITHDRAWN = CHANGE | {
    "approval": NOT_NEEDED,
    "stage": "canary",
    "verdict": "rolled_back",
    "users_affected": 0,
    "decided_at": "2026-01-02T03:04:46.900Z",
    "withdrawal": {
        "share": 0.05,
        "after_seconds": 41.22,
        "edge_seconds": 0.014,
        "journeys_seconds": 2.51,
    },
}
REVOKED = {
    "order": "r-1",
    "snapshot": "s-2",
    "change": "c-1",
    "because": "ada ordered rollback: [wrong] claims",
    "operator": None,
    "owed_at": "2026-01-02T03:04:47.000Z",
    "done_at": "2026-01-02T03:04:49.000Z",
    "problem": None,
    "keys": 1,
    "sessions": 4,
    "families": 3,
    "codes": 0,
    "users": 2,
}


def test_a_rollback_is_told_with_when_it_was_decided_and_how_long_each_part_took():
    text = shown(WITHDRAWN)
    assert "2026-01-02 03:04:46, 41.2 s after the proposal, at 5% of requests" in text
    assert "edge confirmed after 14 ms; journeys pass after 2.5 s" in text


def test_what_has_not_come_is_said_to_be_missing():
    missing = {"share": None, "edge_seconds": None, "journeys_seconds": None}
    text = shown(WITHDRAWN | {"withdrawal": WITHDRAWN["withdrawal"] | missing, "decided_at": None})
    assert "41.2 s after the proposal, at no share of users" in text
    assert "edge not confirmed; journeys have not passed" in text


def test_what_was_taken_back_is_told_with_how_many_must_sign_in_again_and_why():
    text = " ".join(shown(WITHDRAWN | {"revocation": REVOKED}).split())
    assert "keys: 1, sessions: 4, sign-ins of applications: 3, codes: 0" in text
    assert "users who must sign in again: 2" in text
    assert "because: ada ordered rollback: [wrong] claims" in text
    assert exit_code_of(REVOKED) is ExitCode.DONE


def test_what_is_owed_is_told_with_why_and_the_shell_learns_that_it_is_not_done():
    owed = REVOKED | dict.fromkeys(("done_at", "keys", "sessions", "families", "codes", "users"))
    owed |= {"problem": "The store is away."}
    text = " ".join(shown(WITHDRAWN | {"revocation": owed}).split())
    assert "owed since 2026-01-02T03:04:47.000Z" in text
    assert "The store is away." in text
    assert exit_code_of(owed) is ExitCode.NOT_RUNNING
    assert exit_code_of(None) is ExitCode.DONE
    (line,) = owed_revocations({"revocations": [owed]})
    assert line.startswith("revoke s-2: owed since")
    assert owed_revocations({"revocations": []}) == []


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
