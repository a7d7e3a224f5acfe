"""A change of the edge only: no replicas of its own, and another judge."""

import json

from ostiary.changes import actions, events, records
from ostiary.changes.balance import STRAINED_LOOKS, Balance, SeatReading
from ostiary.changes.model import Stage, Verdict
from ostiary.changes.state import Phase
from tests.unit.changes.driving import BOTH_BROKEN, BROKEN, Drive

BALANCE = Balance(intended=(0.8, 0.2), former=(0.5, 0.5), alpha=0.001)
CALM = (SeatReading("a", 8, 5, 2.0, 0.0, 10.0), SeatReading("b", 2, 5, 2.0, 0.0, 10.0))
STRAINED = (SeatReading("a", 8, 5, 9.0, 4.0, 10.0), SeatReading("b", 2, 5, 2.0, 0.0, 10.0))


def look(seats=CALM, *, undisturbed=True) -> events.BalanceRead:
    return events.BalanceRead(seats, undisturbed)


def begun(**options: object) -> Drive:
    drive = Drive(balance=BALANCE, **options)  # type: ignore[arg-type]
    return drive.tell(events.Checked(ok=True))


def stepping(**options: object) -> Drive:
    drive = begun(**options).apply_share().run_journeys().apply_share()
    assert drive.state.phase is Phase.STEPPING
    return drive


def looked(drive: Drive, *looks: events.BalanceRead) -> Drive:
    for one in looks:
        drive.tell(one, after=5.0)
    return drive


def pass_journeys(drive: Drive) -> None:
    """Let journeys pass until a run that was ordered in this step has."""
    while not drive.state.journeys.clean:
        drive.run_journeys()


def test_nothing_is_started_and_nothing_rehearsed() -> None:
    drive = begun()
    assert drive.actions == (actions.SetShare(0.0),)
    assert not any(isinstance(one, actions.StartCandidates) for one in drive.taken)


def test_it_goes_step_by_step_to_good_while_the_replicas_are_well() -> None:
    drive = stepping()
    for _ in range(2):
        pass_journeys(drive)
        looked(drive, *[look()] * STRAINED_LOOKS)
        drive.apply_share()
    assert drive.state.phase is Phase.BAKING
    pass_journeys(drive)
    looked(drive, *[look()] * 6)
    drive.tell(events.Tick(), after=30.0)
    assert drive.taken[-1] == actions.PromoteSnapshot()
    drive.tell(events.SnapshotPromoted(), events.ProofRun("promotion", passed=True))
    assert actions.MarkGood() in drive.actions


def test_a_step_waits_until_the_replicas_were_looked_at() -> None:
    drive = stepping().run_journeys()
    drive.tell(events.Tick(), after=60.0)
    assert drive.state.ordered_share is None
    looked(drive, *[look()] * STRAINED_LOOKS)
    assert drive.state.ordered_share == 0.5


def test_failures_of_one_arm_are_no_evidence_since_both_are_the_same_replicas() -> None:
    drive = stepping()
    for _ in range(5):
        drive.tell(BROKEN)
    assert drive.state.verdict is None
    assert drive.state.hidden > 0


def test_an_overloaded_replica_rolls_the_change_back_by_its_name_and_force_does_not_help() -> None:
    for force in (None, "I insist"):
        drive = stepping(from_stage=Stage.CANARY, force_reason=force)
        looked(drive, *[look(STRAINED)] * STRAINED_LOOKS)
        assert drive.state.verdict is Verdict.ROLLED_BACK
        assert drive.actions == (actions.WithdrawCanary(),)
        assert "Replica a (seat 0)" in drive.state.reasons[-1].text


def test_harm_in_both_arms_is_put_down_to_the_replica_that_is_strained() -> None:
    drive = looked(stepping(), look(STRAINED))
    drive.until_decided(BOTH_BROKEN)
    assert drive.state.verdict is Verdict.ROLLED_BACK
    assert [one.code for one in drive.state.reasons] == ["replica_overloaded"]


def test_harm_in_both_arms_without_a_strained_replica_holds_it() -> None:
    drive = looked(stepping(), look()).until_decided(BOTH_BROKEN)
    assert drive.state.verdict is Verdict.HELD


def test_shares_that_are_not_as_intended_roll_it_back_unless_forced() -> None:
    swapped = tuple(SeatReading(name, arm, 5) for name, arm in (("a", 4), ("b", 16)))
    for force, verdict in ((None, Verdict.ROLLED_BACK), ("I insist", None)):
        drive = looked(stepping(force_reason=force), look(swapped))
        assert drive.state.verdict is verdict


def test_looks_that_come_late_change_nothing() -> None:
    drive = stepping().tell(events.Command("rollback", "alice"))
    assert drive.tell(look(STRAINED)).actions == ()


def test_its_state_survives_the_journal() -> None:
    drive = looked(stepping(), look(STRAINED))
    text = json.dumps(records.state_to_json(drive.state), allow_nan=False)
    assert records.state_from_json(json.loads(text)) == drive.state
    assert drive.state.balance is not None
    assert drive.state.balance.strained == {0: 1}
