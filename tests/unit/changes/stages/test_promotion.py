import pytest

from ostiary.changes import actions, events
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.state import Phase
from ostiary.kernel.errors import ExitCode
from tests.unit.changes.driving import HEALTHY, PASSED, at

PROVEN = events.ProofRun("promotion", passed=True)
UNPROVEN = events.ProofRun("promotion", passed=False, failures=(Reason("step_failed", "No."),))


def test_a_promotion_is_proven_before_the_snapshot_is_good() -> None:
    drive = at(Phase.PROMOTING).tell(events.SnapshotPromoted())
    assert drive.actions == (actions.RunProof("promotion"),)
    assert drive.state.verdict is None
    drive.tell(PROVEN)
    assert drive.actions == (actions.MarkGood(), actions.StopReplaced())
    drive.tell(events.ReplicasStopped())
    result = drive.state.result
    assert drive.actions == (actions.Settle(result),)
    assert (result.stage, result.verdict) == (Stage.GOOD, Verdict.PROMOTED)
    assert result.exit_code is ExitCode.DONE


def test_the_replaced_replicas_stay_until_the_proof() -> None:
    assert actions.StopReplaced() not in at(Phase.PROVING).taken


def test_a_proof_that_fails_once_is_repeated() -> None:
    drive = at(Phase.PROVING).tell(UNPROVEN)
    assert drive.actions == ()
    assert drive.tell(events.Tick(), after=0.5).actions == ()
    assert drive.tell(events.Tick(), after=0.6).actions == (actions.RunProof("promotion"),)
    assert drive.tell(PROVEN).state.verdict is Verdict.PROMOTED


def test_a_proof_that_fails_twice_takes_the_promotion_back() -> None:
    drive = at(Phase.PROVING).tell(UNPROVEN).tell(events.Tick(), after=1.1).tell(UNPROVEN)
    assert drive.actions == (actions.WithdrawCanary(),)
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert drive.state.result.users_affected is None
    assert [r.code for r in drive.state.reasons] == ["proof_failed", "step_failed"]


def test_a_proof_that_never_ends_takes_the_promotion_back() -> None:
    drive = at(Phase.PROVING).tell(events.Tick(), after=61.0)
    assert drive.state.verdict is Verdict.ROLLED_BACK


def test_a_forced_promotion_stands_without_proof_and_says_so() -> None:
    drive = at(Phase.PROVING, force_reason="it must go out").tell(UNPROVEN)
    drive.tell(events.Tick(), after=1.1).tell(UNPROVEN)
    assert drive.actions == (actions.MarkGood(), actions.StopReplaced())
    assert "proof_failed" in [reason.code for reason in drive.state.reasons]


def test_an_edge_that_does_not_promote_holds_the_change() -> None:
    drive = at(Phase.PROMOTING).tell(events.EdgeFailed("Envoy did not confirm."))
    assert drive.actions == (actions.WithdrawCanary(),)
    assert drive.state.verdict is Verdict.HELD


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.PROVING])
def test_candidates_that_die_in_a_promotion_are_rolled_back(phase: Phase) -> None:
    drive = at(phase).tell(events.CanaryUnavailable("all replicas died"))
    assert drive.state.verdict is Verdict.ROLLED_BACK


@pytest.mark.parametrize("event", [events.CanaryUnavailable("x"), HEALTHY, PASSED, events.Tick()])
def test_a_good_snapshot_is_not_taken_back_by_what_comes_late(event: events.Event) -> None:
    drive = at(Phase.DRAINING).tell(event)
    assert (drive.state.phase, drive.actions) == (Phase.DRAINING, ())


def test_replicas_that_do_not_stop_do_not_keep_the_change_open() -> None:
    drive = at(Phase.DRAINING).tell(events.Tick(), after=61.0)
    assert drive.state.settled
    assert drive.state.verdict is Verdict.PROMOTED
    assert drive.state.reasons[-1].code == "not_stopped"


def test_a_promotion_that_the_edge_never_answers_is_held() -> None:
    drive = at(Phase.PROMOTING).tell(events.Tick(), after=59.0)
    assert drive.actions == ()
    drive.tell(events.Tick(), after=1.0)
    assert drive.actions == (actions.WithdrawCanary(),)
    assert drive.state.verdict is Verdict.HELD
    assert drive.state.reasons[-1].code == "edge_failed"
