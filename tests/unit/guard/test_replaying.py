"""Whether a replay proves that what stopped an earlier change is mended."""

from ostiary.changes.terms import Replay
from ostiary.guard.replaying import replay_reasons, replayed
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.relying_party.errors import FailureKind

REPLAY = Replay("c-0", frozenset({"sign_in"}))
FAILURE = JourneyFailure(
    "sign_in_code_flow", "sign in", "303", "500", "r-1", "candidate", "sign_in", FailureKind.FAULT
)


def report(*failures: JourneyFailure, passed: frozenset[str] = frozenset()) -> JourneyReport:
    failed = frozenset(failure.stratum for failure in failures)
    return JourneyReport(failures, passed - failed, failed, 1.0, 36)


def test_journeys_that_pass_where_the_earlier_change_failed_are_proof() -> None:
    walked = report(passed=frozenset({"sign_in", "token"}))
    assert replay_reasons(REPLAY, walked) == ()
    note = replayed(REPLAY, walked)
    assert note.text == "What stopped c-0 in sign_in was tried again: 36 journeys passed."


def test_what_still_fails_is_named_with_the_change_that_it_stopped() -> None:
    (reason,) = replay_reasons(REPLAY, report(FAILURE))
    assert reason.code == "replay_failed"
    assert reason.text.startswith("What stopped c-0 still happens: sign_in_code_flow")
    assert reason.numbers["stratum"] == "sign_in"


def test_a_place_where_no_journey_goes_proves_nothing() -> None:
    elsewhere = Replay("c-0", frozenset({"end_session"}))
    (reason,) = replay_reasons(elsewhere, report(passed=frozenset({"sign_in"})))
    assert reason.code == "replay_impossible"
    assert "end_session" in reason.text


def test_a_change_whose_end_named_no_place_is_replayed_as_a_whole() -> None:
    everything = Replay("c-0")
    assert replay_reasons(everything, report(passed=frozenset({"token"}))) == ()
    assert replay_reasons(everything, report(FAILURE)) != ()
