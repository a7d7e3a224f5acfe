"""A step is followed by the next only when every kind of request that it served is cleared."""

from dataclasses import replace

from ostiary.changes import events
from ostiary.changes.evidence import ArmCounts, EvidenceSettings
from ostiary.changes.state import Phase
from tests.unit.changes.driving import PACING, PASSED, STRATA, Drive, at, window

GRANT = "token.client_credentials"
BY_KIND = EvidenceSettings(strata=(*STRATA, GRANT))


def stepping() -> Drive:
    drive = at(Phase.STEPPING)
    drive.state = replace(drive.state, evidence=replace(drive.state.evidence, settings=BY_KIND))
    return drive


def after_step(drive: Drive, *covered: str) -> Drive:
    """Let the step's time pass, with journeys that passed in some strata."""
    drive.run_journeys(replace(PASSED, strata_passed=frozenset(covered)))
    return drive.tell(events.Tick(), after=PACING.step_seconds_min)


def test_little_traffic_of_one_grant_waits_for_a_journey_of_that_grant() -> None:
    drive = stepping()
    drive.tell(
        window(ArmCounts(9), ArmCounts(9)), window(ArmCounts(2), ArmCounts(1), stratum=GRANT)
    )

    after_step(drive, *STRATA)
    assert drive.state.ordered_share is None, "the class is cleared, its rare grant is not"

    drive.tell(events.Tick(), after=5.0)
    after_step(drive, *STRATA, GRANT)
    assert drive.state.ordered_share is not None


def test_without_traffic_of_a_grant_nobody_waits_for_it() -> None:
    drive = stepping().tell(window(ArmCounts(9), ArmCounts(9)))
    after_step(drive, *STRATA)
    assert drive.state.ordered_share is not None


def test_a_grant_is_cleared_by_its_own_requests() -> None:
    drive = stepping()
    drive.tell(*[window(ArmCounts(50), ArmCounts(50), stratum=GRANT)] * 20)
    after_step(drive)
    assert drive.state.ordered_share is not None


def test_failures_of_a_rare_grant_end_a_change_that_its_class_would_have_passed() -> None:
    drive = stepping()
    for _ in range(40):
        if drive.state.verdict is None:
            # One request in a hundred is of the grant, and all of these are overturned.
            drive.tell(
                events.WindowClosed(
                    (
                        *window(ArmCounts(100, 0, 0, 1), ArmCounts(100)).strata,
                        *window(ArmCounts(1, 0, 0, 1), ArmCounts(1), stratum=GRANT).strata,
                    ),
                    hidden=1,
                )
            )
    assert drive.state.verdict == "rolled_back"
    reason, *_ = drive.state.reasons
    assert reason.numbers["stratum"] == GRANT
    assert drive.state.hidden < 20
