import pytest

from ostiary.changes import actions, events
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import PASSED, at, window

PROVEN = events.ProofRun("rollback", passed=True)
UNPROVEN = events.ProofRun("rollback", passed=False)


def test_a_rollback_writes_the_edge_first_and_cleans_up_when_it_is_confirmed() -> None:
    drive = at(Phase.WITHDRAWING)
    assert drive.actions == (actions.WithdrawCanary(),)
    drive.tell(events.CanaryWithdrawn())
    assert drive.actions == (actions.StopCandidates(), actions.RunProof("rollback"))


@pytest.mark.parametrize("last", [PROVEN, events.ReplicasStopped()])
def test_a_rollback_is_complete_when_it_is_proven_and_the_candidates_are_gone(
    last: events.Event,
) -> None:
    drive = at(Phase.STOPPING)
    first = PROVEN if isinstance(last, events.ReplicasStopped) else events.ReplicasStopped()
    assert drive.tell(first).actions == ()
    result = drive.tell(last).state.result
    assert drive.actions == (actions.Settle(result),)
    assert (result.stage, result.verdict) == (Stage.CANARY, Verdict.ROLLED_BACK)


def test_an_edge_that_does_not_confirm_is_written_again_for_as_long_as_it_takes() -> None:
    drive = at(Phase.WITHDRAWING)
    for _ in range(200):
        assert drive.tell(events.EdgeFailed("no answer")).actions == ()
        assert drive.tell(events.Tick(), after=0.5).actions == ()
        assert drive.tell(events.Tick(), after=0.6).actions == (actions.WithdrawCanary(),)
    assert drive.tell(events.Tick(), after=0.5).actions == ()
    assert drive.tell(events.CanaryWithdrawn()).state.phase is Phase.STOPPING


def test_a_proof_is_repeated_until_it_passes() -> None:
    drive = at(Phase.STOPPING).tell(events.ReplicasStopped())
    for _ in range(5):
        assert drive.tell(UNPROVEN).actions == ()
        assert drive.tell(events.Tick(), after=1.1).actions == (actions.RunProof("rollback"),)
    assert drive.tell(PROVEN).state.settled
    assert [reason.code for reason in drive.state.reasons] == ["canary_unavailable"]


def test_a_rollback_that_cannot_be_proven_settles_and_says_so() -> None:
    drive = at(Phase.STOPPING).tell(UNPROVEN).tell(events.Tick(), after=61.0)
    assert drive.state.settled
    assert [r.code for r in drive.state.reasons[1:]] == ["unproven", "not_stopped"]


def test_the_verdict_is_the_first_one() -> None:
    drive = at(Phase.WITHDRAWING).tell(
        events.CanaryUnavailable("again"), events.EdgeFailed("no"), events.CandidatesReady()
    )
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert len(drive.state.reasons) == 1


@pytest.mark.parametrize("phase", [Phase.WITHDRAWING, Phase.STOPPING])
def test_users_met_on_the_way_out_are_counted_but_not_judged(phase: Phase) -> None:
    drive = at(phase)
    evidence = drive.state.evidence
    drive.tell(window(ArmCounts(9, 9, 0, 8), ArmCounts(), final_failures=1))
    assert (drive.state.final_failures, drive.state.hidden) == (1, 8)
    assert drive.state.evidence is evidence


def test_a_settled_record_does_not_change_any_more() -> None:
    drive = at(Phase.SETTLED)
    before = drive.state
    drive.tell(
        window(ArmCounts(9, 9), ArmCounts(), final_failures=9), events.Tick(), PASSED, after=60.0
    )
    assert drive.state == before


def test_the_proof_of_a_promotion_does_not_prove_the_rollback_after_it() -> None:
    drive = at(Phase.PROVING).tell(events.Command("rollback", "alice"))
    drive.tell(events.CanaryWithdrawn(), events.ReplicasStopped())
    drive.tell(events.ProofRun("promotion", passed=True))
    assert drive.state.phase is Phase.STOPPING


def test_a_withdrawal_that_is_never_answered_is_ordered_again_and_again() -> None:
    drive = at(Phase.WITHDRAWING)
    for _ in range(3):
        assert drive.tell(events.Tick(), after=29.0).actions == ()
        assert drive.tell(events.Tick(), after=1.0).actions == (actions.WithdrawCanary(),)
    assert drive.tell(events.CanaryWithdrawn()).state.phase is Phase.STOPPING
    # The answers of the earlier orders may still come.
    assert drive.tell(events.CanaryWithdrawn()).actions == ()


def test_the_record_tells_how_long_each_part_of_a_rollback_took() -> None:
    drive = at(Phase.STEPPING).tell(events.CanaryUnavailable("it died"), after=7.0)
    began = drive.state.began
    drive.tell(events.CanaryWithdrawn(), after=0.02)
    drive.tell(UNPROVEN, events.ReplicasStopped(), after=0.5)
    drive.tell(PROVEN, after=1.0)
    told = drive.state.result.withdrawal
    assert told is not None
    assert told.after_seconds == pytest.approx(drive.now - 1.52 - began)
    assert (told.share, told.edge_seconds, told.journeys_seconds) == (0.1, 0.02, 1.52)


def test_what_has_not_come_is_not_told() -> None:
    drive = at(Phase.PINNED).tell(events.CanaryUnavailable("it died"))
    assert drive.state.result.withdrawal is not None
    assert drive.state.result.withdrawal.share is None, "no user could reach it"
    drive.tell(events.CanaryWithdrawn()).tell(UNPROVEN).tell(events.Tick(), after=61.0)
    assert drive.state.settled
    assert drive.state.result.withdrawal.journeys_seconds is None
    assert at(Phase.DRAINING).state.result.withdrawal is None, "it was promoted"


def test_after_a_guards_restart_its_own_work_is_told() -> None:
    drive = at(Phase.STEPPING).tell(events.CanaryUnavailable("it died"))
    drive.now = 5.0  # the clock of another boot
    drive.tell(events.GuardRestarted()).tell(events.CanaryWithdrawn(), after=0.25)
    told = drive.state.result.withdrawal
    assert told is not None
    assert told.edge_seconds == pytest.approx(0.25)
