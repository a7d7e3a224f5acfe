import pytest

from ostiary.changes import actions, events
from ostiary.changes.errors import CommandRefusedError
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import BROKEN, FAILED, PACING, Drive, at

ROLLBACK = events.Command("rollback", "alice", "I do not like it")
PROMOTE = events.Command("promote", "alice")
PAUSE = events.Command("pause", "alice", "lunch")
RESUME = events.Command("resume", "bob")
UNDECIDED = [
    Phase.CHECKING,
    Phase.STARTING,
    Phase.REHEARSING,
    Phase.PINNED,
    Phase.STEPPING,
    Phase.BAKING,
    Phase.PROMOTING,
    Phase.PROVING,
]
DECIDED = [phase for phase in Phase if phase not in (*UNDECIDED, Phase.APPROVING)]


@pytest.mark.parametrize("phase", UNDECIDED)
def test_an_operator_may_roll_back_whatever_is_not_decided(phase: Phase) -> None:
    drive = at(phase)
    stage = drive.state.stage
    drive.tell(ROLLBACK)
    assert drive.actions == (actions.WithdrawCanary(),)
    drive.tell(events.CanaryWithdrawn(), events.ReplicasStopped())
    drive.tell(events.ProofRun("rollback", passed=True))
    result = drive.state.result
    assert (result.stage, result.verdict) == (stage, Verdict.ROLLED_BACK)
    assert result.reasons[-1].text == "alice ordered rollback: I do not like it"


@pytest.mark.parametrize("phase", DECIDED)
@pytest.mark.parametrize("command", [ROLLBACK, PROMOTE, PAUSE, RESUME])
def test_nothing_can_be_ordered_once_it_is_decided(phase: Phase, command: events.Command) -> None:
    drive = at(phase)
    before = drive.state
    with pytest.raises(CommandRefusedError, match="decided already"):
        drive.tell(command)
    assert drive.state == before


@pytest.mark.parametrize("phase", [Phase.CHECKING, Phase.STARTING, Phase.REHEARSING])
@pytest.mark.parametrize("command", [PROMOTE, PAUSE, RESUME])
def test_before_the_canary_there_is_nothing_to_hurry_or_stop(
    phase: Phase, command: events.Command
) -> None:
    with pytest.raises(CommandRefusedError) as refused:
        at(phase).tell(command)
    assert refused.value.code == "not_now"
    assert refused.value.hint


def test_promote_ends_the_canary_but_not_the_bake() -> None:
    drive = at(Phase.STEPPING).tell(PROMOTE)
    assert drive.actions == (actions.SetShare(1.0),)
    drive.apply_share()
    assert drive.state.stage is Stage.BAKE
    assert drive.tell(PROMOTE).actions == (actions.PromoteSnapshot(),)
    assert [reason.code for reason in drive.state.reasons] == ["operator_promote"] * 2


def test_promote_does_not_let_users_in_before_the_pinned_journeys_passed() -> None:
    drive = at(Phase.PINNED)
    with pytest.raises(CommandRefusedError):
        drive.tell(PROMOTE)
    drive.tell(PAUSE).run_journeys()
    assert drive.tell(PROMOTE).actions == (actions.SetShare(1.0),)


def test_a_forced_promote_waits_for_journeys_that_saw_nothing_wrong() -> None:
    drive = at(Phase.PINNED, force_reason="it must go out")
    with pytest.raises(CommandRefusedError, match="pinned"):
        drive.tell(PROMOTE)
    drive.run_journeys(FAILED)
    with pytest.raises(CommandRefusedError, match="pinned"):
        drive.tell(PROMOTE)


def test_promote_waits_for_a_step_that_the_edge_is_taking() -> None:
    drive = at(Phase.PINNED).run_journeys()
    with pytest.raises(CommandRefusedError):
        drive.tell(PROMOTE)
    assert drive.apply_share().state.share == 0.1


def test_a_paused_change_takes_no_step_and_is_not_held() -> None:
    drive = at(Phase.STEPPING).run_journeys().tell(PAUSE)
    drive.tell(events.Tick(), after=PACING.held_after_seconds * 2)
    assert drive.state.verdict is None
    assert drive.state.ordered_share is None
    drive.tell(RESUME)
    assert drive.tell(events.Tick(), after=1.0).actions == (actions.SetShare(0.5),)
    assert [r.code for r in drive.state.reasons] == ["operator_pause", "operator_resume"]


def test_after_a_pause_the_time_until_held_goes_on_where_it_stopped() -> None:
    drive = at(Phase.PINNED).tell(events.Tick(), after=90.0).tell(PAUSE)
    drive.tell(events.Tick(), after=500.0).tell(RESUME)
    assert drive.tell(events.Tick(), after=9.0).state.verdict is None
    assert drive.tell(events.Tick(), after=2.0).state.verdict is Verdict.HELD


def test_a_paused_change_is_still_judged() -> None:
    drive = at(Phase.STEPPING).tell(PAUSE)
    drive.until_decided(BROKEN)
    assert drive.state.verdict is Verdict.ROLLED_BACK


def test_a_pause_is_ended_once() -> None:
    drive = at(Phase.STEPPING).tell(PAUSE)
    with pytest.raises(CommandRefusedError):
        drive.tell(PAUSE)
    drive.tell(RESUME)
    with pytest.raises(CommandRefusedError):
        drive.tell(RESUME)


def test_a_refused_command_changes_nothing() -> None:
    drive = Drive()
    before = drive.state
    with pytest.raises(CommandRefusedError):
        drive.tell(PAUSE)
    assert drive.state == before
