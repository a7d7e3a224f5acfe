import json
from typing import get_args

import pytest

from ostiary.changes import actions, events, records
from ostiary.changes.balance import SeatReading
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import BROKEN, HEALTHY, PASSED, at

REASON = Reason(
    "bad_key", "The key is missing.", {"line": 3, "share": 0.5, "key": "a", "none": None}
)
EVENTS: tuple[events.Event, ...] = (
    events.Checked(ok=False, problems=(REASON,)),
    events.CandidatesReady(),
    events.CandidatesFailed("start_failed", "It did not start."),
    events.Rehearsed(passed=False, failures=(REASON,)),
    events.EdgeApplied(0.25),
    events.SnapshotPromoted(),
    events.CanaryWithdrawn(),
    events.EdgeFailed("Envoy refused it."),
    BROKEN,
    PASSED,
    events.ProofRun("rollback", passed=True),
    events.CanaryUnavailable("dead"),
    events.ReplicasStopped(),
    events.Command("pause", "alice", "lunch"),
    events.Approved("bob", "s-1", "Looks right."),
    events.BalanceRead((SeatReading("a", 3, 5, 1.5, 0.0, 20.0),), undisturbed=True),
    events.GuardRestarted(),
    events.Tick(),
)
ACTIONS: tuple[actions.Action, ...] = (
    actions.RunChecks("parse"),
    actions.StartCandidates(),
    actions.RunRehearsal(),
    actions.SetShare(0.05),
    actions.RunJourneys(),
    actions.WithdrawCanary(),
    actions.StopCandidates(),
    actions.PromoteSnapshot(),
    actions.MarkGood(),
    actions.MarkServed(),
    actions.StopReplaced(),
    actions.RunProof("promotion"),
    actions.RevokeMinted("The tokens are for somebody else."),
    actions.Settle(at(Phase.SETTLED).state.result),
)


def test_every_event_and_action_is_here() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(events.Event))
    assert {type(action) for action in ACTIONS} == set(get_args(actions.Action))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_journal(event: events.Event) -> None:
    text = json.dumps(records.event_to_json(event))
    assert records.event_from_json(json.loads(text)) == event


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: type(action).__name__)
def test_an_action_survives_the_journal(action: actions.Action) -> None:
    text = json.dumps(records.action_to_json(action))
    assert records.action_from_json(json.loads(text)) == action


@pytest.mark.parametrize("phase", list(Phase))
def test_a_state_survives_the_journal(phase: Phase) -> None:
    state = at(phase).state
    text = json.dumps(records.state_to_json(state), allow_nan=False)
    assert records.state_from_json(json.loads(text)) == state


def test_a_state_with_evidence_survives_the_journal_to_the_last_bit() -> None:
    drive = at(Phase.STEPPING).tell(*[HEALTHY] * 5, BROKEN)
    text = json.dumps(records.state_to_json(drive.state), allow_nan=False)
    again = records.state_from_json(json.loads(text))
    assert again == drive.state
    assert again.evidence.log_e == drive.state.evidence.log_e != 0.0


def test_the_record_is_what_the_command_line_prints() -> None:
    printed = records.result_to_json(at(Phase.SETTLED).state.result)
    assert printed == {
        "change": "c-1",
        "snapshot": "s-1",
        "stage": Stage.CANARY,
        "verdict": Verdict.ROLLED_BACK,
        "reasons": [
            {"code": "canary_unavailable", "text": "all replicas died", "numbers": {}},
        ],
        "users_affected": 0,
        "failed_attempts_hidden": 0,
        "seconds": 0.0,
        "withdrawal": {
            "share": 0.1,
            "after_seconds": 0.0,
            "edge_seconds": 0.0,
            "journeys_seconds": 0.0,
        },
    }
    assert records.result_from_json(printed) == at(Phase.SETTLED).state.result


@pytest.mark.parametrize("value", [{"event": "Nothing"}, {}])
def test_an_unknown_event_is_refused(value: records.JsonObject) -> None:
    with pytest.raises(KeyError):
        records.event_from_json(value)


def test_bad_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        records.event_from_json({"event": "EdgeApplied", "share": "much"})
