"""Which ends of a change are remembered, and what is replayed of them."""

from typing import Any

import pytest

from ostiary.changes.memory import lasting
from ostiary.changes.terms import Replay, replay_of


def result(verdict: str, stage: str, *codes: str) -> dict[str, Any]:
    reasons = [{"code": code, "text": code, "numbers": {}} for code in codes]
    return {"verdict": verdict, "stage": stage, "reasons": reasons}


@pytest.mark.parametrize(
    ("verdict", "stage", "code"),
    [
        ("refused", "rehearse", "journey_failed"),
        ("refused", "rehearse", "replay_failed"),
        ("rolled_back", "canary", "harm"),
        ("rolled_back", "bake", "journeys_failed"),
    ],
)
def test_what_speaks_against_the_snapshot_is_remembered(
    verdict: str, stage: str, code: str
) -> None:
    assert [each["code"] for each in lasting(result(verdict, stage, "forced", code))] == [code]


@pytest.mark.parametrize(
    "end",
    [
        result("refused", "check", "audience_changed"),
        result("refused", "rehearse", "probe_accounts_unavailable"),
        result("refused", "rehearse", "not_started"),
        result("rolled_back", "canary", "guard_restarted"),
        result("rolled_back", "canary", "operator_rollback"),
        result("rolled_back", "canary", "canary_unavailable"),
        result("held", "canary", "harm"),
        result("promoted", "good", "journey_failed"),
    ],
    ids=lambda end: f"{end['verdict']} {end['reasons'][0]['code']}",
)
def test_what_says_nothing_about_the_snapshot_is_forgotten(end: dict[str, Any]) -> None:
    assert lasting(end) == ()


def test_the_strata_in_which_a_change_was_stopped_are_replayed() -> None:
    reasons = [
        {"code": "harm", "numbers": {"stratum": "sign_in"}},
        {"code": "harm", "numbers": {"stratum": "token"}},
        {"code": "forced", "numbers": {}},
        {"code": "older", "numbers": None},
    ]
    assert replay_of("c-1", reasons) == Replay("c-1", frozenset({"sign_in", "token"}))
