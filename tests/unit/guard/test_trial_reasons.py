"""Which failures of a trial are told, where there are more than anybody reads."""

from ostiary.guard.trial_reasons import reasons_of
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError


def failure(journey: str, target: str, kind: FailureKind = FailureKind.FAULT) -> JourneyFailure:
    error = StepFailedError(
        step="token", kind=kind, expected="tokens", got="nothing", stratum="token", target=target
    )
    return JourneyFailure.of(journey, error)


def told(*failures: JourneyFailure) -> list[tuple[object, object]]:
    """Return journey and kind of each failure that is told."""
    report = combine([JourneyReport.not_begun(each) for each in failures])
    return [(reason.numbers["journey"], reason.numbers["kind"]) for reason in reasons_of(report)]


def test_what_each_candidate_shows_alike_leaves_room_for_what_else_failed():
    alike = [failure("client_credentials", f"candidate {number}") for number in range(6)]

    names = [name for name, _ in told(*alike, failure("second_refresh", "candidate 0"))]

    assert names == ["client_credentials", "second_refresh", *["client_credentials"] * 5]


def test_what_no_second_opinion_hides_comes_first_and_refusals_last():
    hideable = [failure(f"journey-{number}", "candidate") for number in range(8)]
    refused = failure("refused", "candidate", FailureKind.REFUSED)
    wrong = failure("journey-0", "another candidate", FailureKind.WRONG_IDENTITY)

    first, *others = told(refused, *hideable, wrong)

    assert first == ("journey-0", FailureKind.WRONG_IDENTITY.value)
    assert [name for name, _ in others] == [f"journey-{number}" for number in range(1, 8)]
    assert told(refused, *hideable[:2], wrong)[-2][0] == "refused"
