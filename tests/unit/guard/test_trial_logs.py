"""What replicas logged about the requests at which journeys failed, as a change tells it."""

import asyncio
from types import SimpleNamespace
from typing import Any

from ostiary.changes.events import Rehearsed
from ostiary.changes.model import Reason
from ostiary.guard.trial_logs import TrialLogs
from ostiary.guard.trial_place import TrialPlace
from ostiary.guard.trial_reasons import reasons_of
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.relying_party.as_edge import AsEdge
from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.guard.groups import replica

NEW, OLD = replica("identity-3", "s-new"), replica("identity-1", "s-old", port=20_010)


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


def logged(reasons: tuple[Reason, ...], lines: dict[tuple[str, str], list[str]]):
    """Return the reasons of a rehearsal with the lines about each request of each replica."""

    def log_tail(which, lines_max, *, about):
        return lines.get((which.name, about), [])[-lines_max:]

    runtime: Any = SimpleNamespace(log_tail=log_tail)
    plane: Any = SimpleNamespace(canary=[NEW], stable=[OLD])
    found = Rehearsed(passed=False, failures=reasons)
    return asyncio.run(TrialLogs(plane, runtime).added_to(found)).failures


def test_lines_of_all_replicas_that_saw_a_request_are_put_together():
    first, second = logged(
        reasons_of(report("j-1", "j-2")),
        {
            ("identity-3", "j-1"): ["bug", "request"],
            ("identity-1", "j-1"): ["request again"],
            ("identity-1", "j-9"): ["of another request"],
        },
    )

    assert first.numbers["log"] == "bug\nrequest\nrequest again"
    assert "log" not in second.numbers


def test_there_are_at_most_five_lines():
    (reason,) = logged(
        reasons_of(report("j-1")), {("identity-3", "j-1"): [f"line {line}" for line in range(9)]}
    )

    assert reason.numbers["log"] == "\n".join(f"line {line}" for line in range(4, 9))


def test_a_reason_without_a_request_is_looked_for_nowhere():
    reasons = (*reasons_of(report("")), Reason("probe_accounts_unavailable", "No accounts."))

    assert logged(reasons, {("identity-3", ""): ["everything"]}) == reasons


def test_nothing_is_read_where_nothing_failed():
    assert logged((), {}) == ()


def test_a_reason_holds_step_and_expectation():
    (reason,) = reasons_of(report("j-1"))

    assert reason.text == (
        "sign_in_code_flow, step token: expected tokens with HTTP 200, got HTTP 500 "
        "(candidate, request j-1)"
    )
    assert reason.numbers == {
        "journey": "sign_in_code_flow",
        "step": "token",
        "stratum": "token",
        "kind": "fault",
        "expected": "tokens with HTTP 200",
        "got": "HTTP 500",
        "request_id": "j-1",
    }


def test_replicas_are_asked_as_the_edge_where_its_token_is_known():
    as_edge = AsEdge("edge-token", SeededRandom(1))
    known = TrialPlace("http://e", "https://login", 5.0, "admin", "pin", as_edge=as_edge)
    unknown = TrialPlace("http://e", "https://login", 5.0, "admin", "pin")

    target = known.replica(NEW, "candidate")

    assert target.as_edge == as_edge
    assert target.base_url == "http://127.0.0.1:20000"
    assert target.snapshot == "s-new"
    assert "edge-token" not in repr(target)
    assert unknown.replica(NEW, "candidate").as_edge is None
    assert known.canary.as_edge is None, "through the edge the edge names requests"
