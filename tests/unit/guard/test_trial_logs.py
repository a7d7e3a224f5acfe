"""What replicas logged about the requests at which journeys failed, as a change tells it."""

import asyncio

from ostiary.guard.trial_logs import logs_of
from ostiary.guard.trial_place import TrialPlace
from ostiary.guard.trial_reasons import reasons_of
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.guard.groups import replica

REPLICAS = [replica("identity-3", "s-new"), replica("identity-1", "s-old", port=20_010)]


def report(*request_ids: str) -> JourneyReport:
    failures = tuple(
        JourneyFailure(
            "sign_in_code_flow",
            "token",
            "tokens with HTTP 200",
            "HTTP 500",
            request_id,
            "candidate",
            "token",
            FailureKind.FAULT,
        )
        for request_id in request_ids
    )
    return JourneyReport(failures, frozenset(), frozenset({"token"}), 1.0, len(failures))


def logs(found: JourneyReport, lines: dict[tuple[str, str], list[str]]):
    def read(which, request_id, lines_max):
        return lines.get((which.name, request_id), [])[-lines_max:]

    return asyncio.run(logs_of(found, REPLICAS, read))


def test_lines_of_all_replicas_that_saw_a_request_are_put_together():
    told = logs(
        report("j-1", "j-2"),
        {
            ("identity-3", "j-1"): ["bug", "request"],
            ("identity-1", "j-1"): ["request again"],
            ("identity-1", "j-9"): ["of another request"],
        },
    )

    assert told == {"j-1": ("bug", "request", "request again"), "j-2": ()}


def test_there_are_at_most_five_lines_of_five_requests():
    many = {("identity-3", f"j-{n}"): [f"line {line}" for line in range(9)] for n in range(9)}

    told = logs(report(*(f"j-{n}" for n in range(9))), many)

    assert list(told) == [f"j-{n}" for n in range(5)]
    assert told["j-0"] == tuple(f"line {line}" for line in range(4, 9))


def test_a_request_without_an_id_is_looked_for_nowhere():
    assert logs(report(""), {("identity-3", ""): ["everything"]}) == {}


def test_a_reason_holds_step_expectation_and_log():
    (reason,) = reasons_of(report("j-1"), {"j-1": ("bug", "KeyError: 'x'")})

    assert reason.text == (
        "sign_in_code_flow, step token: expected tokens with HTTP 200, got HTTP 500 "
        "(candidate, request j-1)"
    )
    assert reason.numbers == {
        "journey": "sign_in_code_flow",
        "step": "token",
        "stratum": "token",
        "expected": "tokens with HTTP 200",
        "got": "HTTP 500",
        "request_id": "j-1",
        "log": "bug\nKeyError: 'x'",
    }


def test_a_reason_without_lines_says_nothing_of_a_log():
    (reason,) = reasons_of(report(""))

    assert "log" not in reason.numbers
    assert "request_id" not in reason.numbers


def test_replicas_are_asked_as_the_edge_where_its_token_is_known():
    rng = SeededRandom(1)
    known = TrialPlace("http://e", "https://login", 5.0, "admin", "pin", "edge-token")
    unknown = TrialPlace("http://e", "https://login", 5.0, "admin", "pin")

    target = known.target(REPLICAS[0], "candidate", rng)

    assert target.as_edge is not None
    assert target.base_url == "http://127.0.0.1:20000"
    assert target.snapshot == "s-new"
    assert "edge-token" not in repr(target)
    assert unknown.target(REPLICAS[0], "candidate", rng).as_edge is None
