"""After both arms suffered at once, the end of the change says whether users recovered."""

import pytest

from ostiary.changes import events
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.model import Verdict
from ostiary.changes.records import state_from_json, state_to_json
from ostiary.changes.state import Phase
from tests.unit.changes.driving import BOTH_BROKEN, HEALTHY, Drive, at, window

ENDED = (events.ProofRun("rollback", passed=True), events.ReplicasStopped())


def withdrawn() -> Drive:
    """Return a change that was withdrawn since both arms suffered, edge and candidates done."""
    drive = at(Phase.STEPPING).tell(*[HEALTHY] * 20).until_decided(BOTH_BROKEN)
    assert drive.state.verdict is Verdict.HELD
    return drive.tell(events.CanaryWithdrawn(), *ENDED)


def users(requests: int, faults: int) -> events.WindowClosed:
    return events.WindowClosed((), stable_requests=requests, stable_faults=faults)


@pytest.mark.parametrize(
    ("faults", "code", "words"),
    [
        (0, "recovered", "supports the change as the cause: 0 of 60 requests failed after it"),
        (5, "recovered", "5 of 60"),
        (40, "not_recovered", "clears the change: 40 of 60 requests failed after it"),
    ],
)
def test_the_reasons_say_whether_users_recovered(faults: int, code: str, words: str) -> None:
    drive = withdrawn()
    assert not drive.state.settled, "users have not told yet"

    drive.tell(users(60, faults), after=3.0).tell(events.Tick())

    assert drive.state.settled
    harm, seen = drive.state.reasons
    assert (harm.code, seen.code) == ("both_arms_failing", code)
    assert words in seen.text
    assert "before." in seen.text
    assert seen.numbers["faults_after"] == faults
    assert seen.numbers["faults_before"] == (
        harm.numbers["canary_faults"] + harm.numbers["control_faults"]
    )


def test_with_little_traffic_nothing_is_claimed() -> None:
    drive = withdrawn().tell(users(9, 0), after=3.0).tell(events.Tick())
    assert not drive.state.settled

    drive.tell(events.Tick(), after=8.0)

    assert drive.state.settled
    assert drive.state.reasons[-1].code == "recovery_unseen"


def test_what_began_before_the_withdrawal_does_not_count() -> None:
    drive = withdrawn().tell(users(60, 60), after=1.0).tell(users(60, 0), after=2.0)
    drive.tell(events.Tick())
    assert drive.state.reasons[-1].code == "recovered"


def test_a_change_that_is_rolled_back_waits_for_nobody() -> None:
    broken = window(ArmCounts(10, 9, 0, 9), ArmCounts(10))
    drive = at(Phase.STEPPING).until_decided(broken).tell(events.CanaryWithdrawn(), *ENDED)
    assert drive.state.settled
    assert {reason.code for reason in drive.state.reasons} == {"harm"}


def test_a_guard_that_takes_over_still_tells_what_it_sees() -> None:
    drive = withdrawn()
    drive.state = state_from_json(state_to_json(drive.state))
    drive.tell(events.GuardRestarted(), events.CanaryWithdrawn(), *ENDED)
    drive.tell(users(80, 80), after=3.0).tell(events.Tick())
    assert drive.state.reasons[-1].code == "not_recovered"
