"""Every action that does not succeed is answered, so that no change waits for ever."""

from typing import get_args

import pytest

from ostiary.changes import actions, events
from ostiary.guard.failed_actions import failure_of

ANSWERS = [
    (actions.RunChecks("all"), events.Checked),
    (actions.StartCandidates(), events.CandidatesFailed),
    (actions.RunRehearsal(), events.Rehearsed),
    (actions.RunJourneys(), events.JourneysRun),
    (actions.RunProof("rollback"), events.ProofRun),
    (actions.SetShare(0.5), events.EdgeFailed),
    (actions.WithdrawCanary(), events.EdgeFailed),
    (actions.PromoteSnapshot(), events.EdgeFailed),
    (actions.StopCandidates(), type(None)),
    (actions.StopReplaced(), type(None)),
    (actions.MarkGood(), type(None)),
    (actions.MarkServed(), type(None)),
    (actions.RevokeMinted("wrong tokens"), type(None)),
]


@pytest.mark.parametrize(("action", "answer"), ANSWERS, ids=lambda one: type(one).__name__)
def test_a_failed_action_is_answered_by_its_own_event(action, answer):
    assert type(failure_of(action, "the disk is full")) is answer


def test_no_action_is_forgotten_here():
    known = {type(action) for action, _ in ANSWERS} | {actions.Settle}
    assert known == set(get_args(actions.Action))


def test_journeys_that_could_not_run_say_nothing_about_the_canary():
    answer = failure_of(actions.RunJourneys(), "no accounts")
    assert isinstance(answer, events.JourneysRun)
    assert answer.control_passed is False
