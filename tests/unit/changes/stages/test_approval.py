"""A change that needs approval waits for another operator, and for nothing else."""

import json
from dataclasses import replace

import pytest

from ostiary.changes import actions, events, records
from ostiary.changes.errors import CommandRefusedError
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.state import Phase
from ostiary.kernel.errors import ExitCode
from tests.unit.changes.driving import APPROVED, NEEDED, Drive, at

STARTS = [Stage.CHECK, Stage.REHEARSE, Stage.CANARY, Stage.BAKE]


@pytest.mark.parametrize("from_stage", STARTS)
def test_no_start_stage_skips_approval_and_nothing_is_started_before(from_stage: Stage) -> None:
    drive = Drive(from_stage=from_stage, approval=NEEDED).tell(events.Checked(ok=True))
    assert (drive.state.stage, drive.state.phase) == (Stage.APPROVE, Phase.APPROVING)
    assert drive.actions == ()
    drive.tell(APPROVED)
    assert (drive.state.stage, drive.actions) == (Stage.REHEARSE, (actions.StartCandidates(),))
    given = drive.state.approval
    assert (given.operator, given.comment) == ("bob", "Looks right.")


@pytest.mark.parametrize("from_stage", STARTS)
def test_a_forced_change_does_not_wait(from_stage: Stage) -> None:
    drive = Drive(from_stage=from_stage, approval=NEEDED, force_reason="on fire")
    assert drive.tell(events.Checked(ok=True)).actions == (actions.StartCandidates(),)
    assert drive.state.approval.operator is None


def test_a_change_waits_without_a_verdict_and_that_is_no_failure() -> None:
    drive = at(Phase.APPROVING).tell(events.Tick(), after=99.9)
    assert drive.state.result.verdict is None
    assert drive.state.result.exit_code is ExitCode.DONE


def test_a_change_that_nobody_approves_is_held_and_nothing_is_taken_back() -> None:
    drive = at(Phase.APPROVING).tell(events.Tick(), after=100.0)
    result = drive.state.result
    assert drive.actions == (actions.Settle(result),)
    assert (result.stage, result.verdict) == (Stage.APPROVE, Verdict.HELD)
    assert result.exit_code is ExitCode.HELD
    assert [reason.code for reason in result.reasons] == ["approval_expired"]


def test_a_change_that_is_taken_back_while_it_waits_ends_at_once() -> None:
    drive = at(Phase.APPROVING).tell(events.Command("rollback", "ada", "wrong file"))
    result = drive.state.result
    assert drive.actions == (actions.Settle(result),)
    assert (result.verdict, result.users_affected) == (Verdict.ROLLED_BACK, 0)


@pytest.mark.parametrize("kind", ["pause", "promote", "resume"])
def test_a_waiting_change_takes_no_command_that_would_skip_the_wait(kind: str) -> None:
    drive = at(Phase.APPROVING)
    with pytest.raises(CommandRefusedError) as caught:
        drive.tell(events.Command(kind, "bob"))  # type: ignore[arg-type]
    assert caught.value.code == "not_now"
    assert drive.state.phase is Phase.APPROVING


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (replace(APPROVED, operator="ada"), "own_change"),
        (replace(APPROVED, snapshot="s-2"), "another_snapshot"),
    ],
)
def test_an_approval_that_does_not_count_changes_nothing(event: events.Approved, code: str) -> None:
    drive = at(Phase.APPROVING)
    before = drive.state
    with pytest.raises(CommandRefusedError) as caught:
        drive.tell(event)
    assert (caught.value.code, caught.value.exit_code) == (code, ExitCode.REFUSED)
    assert drive.state == before


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.APPROVING])
def test_only_a_waiting_change_can_be_approved(phase: Phase) -> None:
    drive = at(phase, approval=NEEDED)
    with pytest.raises(CommandRefusedError) as caught:
        drive.tell(replace(APPROVED, operator="eve"))
    assert caught.value.code == "not_waiting"


def test_a_new_guard_goes_on_waiting_until_the_same_moment() -> None:
    drive = at(Phase.APPROVING).tell(events.Tick(), after=60.0)
    journalled = json.loads(json.dumps(records.state_to_json(drive.state)))
    drive.state = records.state_from_json(journalled)
    drive.tell(events.GuardRestarted(), after=39.0)
    assert drive.tell(events.Tick()).state.verdict is None
    assert drive.tell(events.Tick(), after=1.0).state.verdict is Verdict.HELD


def test_after_a_reboot_the_wait_is_not_shorter_than_stated() -> None:
    drive = at(Phase.APPROVING).tell(events.Tick(), after=60.0)
    drive.now = 5.0
    drive.tell(events.GuardRestarted())
    assert drive.tell(events.Tick(), after=39.5).state.verdict is None
    assert drive.tell(events.Tick(), after=0.5).state.verdict is Verdict.HELD


def test_the_record_of_an_approval_survives_a_later_restart() -> None:
    drive = at(Phase.STEPPING, approval=NEEDED)
    drive.state = records.state_from_json(records.state_to_json(drive.state))
    drive.tell(events.GuardRestarted())
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert drive.state.approval.operator == "bob"
