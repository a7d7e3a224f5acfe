"""Journeys do not speak for a canary where users' requests speak against it."""

from dataclasses import replace

from ostiary.changes import events
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.evidence.suspicion import suspected
from ostiary.changes.state import Phase
from tests.unit.changes.driving import PACING, PASSED, STRATA, Drive, at, window

SOME_FAIL = window(ArmCounts(20, 2, 0, 2), ArmCounts(20))


def in_doubt(drive: Drive) -> frozenset[str]:
    return suspected(drive.state.evidence.strata, drive.state.evidence.threshold)


def until_in_doubt() -> Drive:
    """Let some of the users' requests fail until there is doubt, and no decision yet."""
    drive = at(Phase.STEPPING)
    for _ in range(50):
        if in_doubt(drive):
            break
        drive.tell(SOME_FAIL)
    assert in_doubt(drive) == {"token"}
    assert drive.state.verdict is None
    return drive


def after_step(drive: Drive) -> Drive:
    """Let the step's time pass, with journeys that passed everywhere."""
    drive.run_journeys(replace(PASSED, strata_passed=frozenset(STRATA)))
    return drive.tell(events.Tick(), after=PACING.step_seconds_min)


def test_where_users_fail_journeys_that_pass_bring_no_larger_share() -> None:
    drive = after_step(until_in_doubt())
    assert drive.state.ordered_share is None
    assert drive.state.share == PACING.steps[0]


def test_in_other_strata_they_speak_as_before() -> None:
    drive = at(Phase.STEPPING).tell(window(ArmCounts(9), ArmCounts(9)))
    assert in_doubt(drive) == frozenset()
    assert after_step(drive).state.ordered_share is not None


def test_requests_that_succeed_clear_what_journeys_cannot() -> None:
    drive = until_in_doubt()
    for _ in range(200):
        drive.tell(window(ArmCounts(50), ArmCounts(50)))
    assert "token" in drive.state.evidence.harmless
    assert after_step(drive).state.ordered_share is not None


def test_without_an_end_of_doubt_the_change_is_held_and_says_where() -> None:
    drive = after_step(until_in_doubt())
    drive.run_journeys(replace(PASSED, strata_passed=frozenset(STRATA)))
    drive.tell(events.Tick(), after=PACING.held_after_seconds)
    assert drive.state.verdict == "held"
    (reason,) = [each for each in drive.state.reasons if each.code == "no_decision"]
    assert "Not cleared: token" in reason.text
