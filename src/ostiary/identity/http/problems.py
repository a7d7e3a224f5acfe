"""Answers that are not a success: one error type, and the one place that writes it out."""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.outcomes import Outcome


class ProblemError(OstiaryError):
    """An answer with an error status: `outcome` for the edge, message and hint for the person."""

    def __init__(self, status: int, outcome: Outcome, message: str, *, hint: str = "") -> None:
        super().__init__(outcome.value, message, hint=hint)
        self.status = status
        self.outcome = outcome


def store_unavailable(error: StoreUnavailableError) -> ProblemError:
    """Return the answer for a store that is away: 503 with a reason, never 401 or 500."""
    return ProblemError(503, Outcome.STORE_UNAVAILABLE, error.message, hint=error.hint)


def write_json(request: falcon.Request, response: falcon.Response, problem: ProblemError) -> None:
    """Write a problem as JSON: `{"error", "message", "hint"}`."""
    context_of(request).outcome = problem.outcome
    response.status = falcon.code_to_http_status(problem.status)
    response.media = {
        "error": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }
    retry_hint(response, problem)


def retry_hint(response: falcon.Response, problem: ProblemError) -> None:
    """Tell clients when to come back after a 503 or 429 (RFC 9110, section 10.2.3)."""
    if problem.status in {429, 503}:
        response.set_header("retry-after", "2")
