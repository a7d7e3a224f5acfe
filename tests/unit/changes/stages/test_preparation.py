import pytest

from ostiary.changes import actions, events
from ostiary.changes.controller import begin
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.state import Phase
from ostiary.kernel.errors import ExitCode
from tests.unit.changes.driving import PACING, Drive, at

BAD = Reason("unknown_setting", "There is no setting `auidence`.")


def test_a_change_begins_with_all_checks() -> None:
    assert Drive().actions == (actions.RunChecks("all"),)


@pytest.mark.parametrize("stage", [Stage.REHEARSE, Stage.CANARY, Stage.BAKE])
def test_no_later_start_skips_the_typed_parse(stage: Stage) -> None:
    drive = Drive(from_stage=stage)
    assert drive.actions == (actions.RunChecks("parse"),)
    drive.tell(events.Checked(ok=False, problems=(BAD,)))
    assert drive.state.result.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("stage", [Stage.APPROVE, Stage.GOOD])
def test_no_change_begins_at_a_stage_that_only_others_lead_to(stage: Stage) -> None:
    with pytest.raises(ValueError, match=stage):
        begin(
            "c-1",
            "s-1",
            now=0.0,
            pacing=PACING,
            evidence=EvidenceSettings(strata=()),
            from_stage=stage,
        )


def test_a_refused_check_settles_at_once_and_starts_nothing() -> None:
    drive = Drive().tell(events.Checked(ok=False, problems=(BAD,)), after=0.5)
    result = drive.state.result
    assert drive.actions == (actions.Settle(result),)
    assert (result.stage, result.verdict, result.reasons) == (Stage.CHECK, Verdict.REFUSED, (BAD,))
    assert (result.users_affected, result.seconds) == (0, 0.5)


def test_warnings_of_a_passed_check_go_into_the_record() -> None:
    drive = Drive().tell(events.Checked(ok=True, problems=(BAD,)))
    assert drive.actions == (actions.StartCandidates(),)
    assert drive.state.reasons == (BAD,)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.REHEARSING])
def test_candidates_that_fail_refuse_the_change_and_are_stopped(phase: Phase) -> None:
    drive = at(phase).tell(events.CandidatesFailed("start_slow", "Not ready after 20 s."))
    assert drive.actions == (actions.StopCandidates(),)
    drive.tell(events.ReplicasStopped())
    assert drive.state.settled
    assert drive.state.result.exit_code is ExitCode.REHEARSAL_FAILED
    assert [reason.code for reason in drive.state.reasons] == ["start_slow"]


@pytest.mark.parametrize("stage", [Stage.CANARY, Stage.BAKE])
def test_candidates_that_do_not_start_are_refused_whatever_stage_comes_next(stage: Stage) -> None:
    drive = at(Phase.STARTING, from_stage=stage)
    drive.tell(events.CandidatesFailed("start_failed", "Exit code 1."), events.ReplicasStopped())
    assert drive.state.result.exit_code is ExitCode.REHEARSAL_FAILED


def test_a_failed_rehearsal_refuses_the_change_without_touching_the_edge() -> None:
    drive = at(Phase.REHEARSING).tell(events.Rehearsed(passed=False, failures=(BAD,)))
    drive.tell(events.ReplicasStopped())
    assert drive.state.result.exit_code is ExitCode.REHEARSAL_FAILED
    assert not any(isinstance(a, actions.WithdrawCanary | actions.SetShare) for a in drive.taken)


def test_the_canary_begins_without_users() -> None:
    drive = at(Phase.REHEARSING).tell(events.Rehearsed(passed=True))
    assert drive.actions == (actions.SetShare(0.0),)
    drive.tell(events.EdgeApplied(0.0))
    assert drive.actions == (actions.RunJourneys(),)
    assert not drive.state.exposed


def test_a_start_at_canary_skips_the_rehearsal() -> None:
    drive = at(Phase.STARTING, from_stage=Stage.CANARY).tell(events.CandidatesReady())
    assert drive.actions == (actions.SetShare(0.0),)


def test_a_start_at_bake_takes_all_traffic_at_once() -> None:
    drive = at(Phase.STARTING, from_stage=Stage.BAKE).tell(events.CandidatesReady())
    assert drive.actions == (actions.SetShare(1.0),)
    drive.apply_share()
    assert drive.state.phase is Phase.BAKING
