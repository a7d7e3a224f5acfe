"""The one place where every response gets its outcome header, log line and counters."""

import falcon
import structlog

from ostiary.identity.http.context import UNREAD, RequestContext, context_of, read_context
from ostiary.identity.http.metrics import RequestMetrics, name_of_method
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import (
    OUTCOME_HEADER,
    REQUEST_ID_HEADER,
    Outcome,
    OutcomeClass,
    classify,
)
from ostiary.kernel.request_kinds import KIND_HEADER
from ostiary.kernel.subjects import SUBJECT_HEADER, bucket_of

_STATUS_OUTCOMES = {
    400: Outcome.INVALID_REQUEST,
    401: Outcome.NO_CREDENTIALS,
    403: Outcome.ACCESS_DENIED,
    404: Outcome.NOT_FOUND,
    405: Outcome.METHOD_NOT_ALLOWED,
    413: Outcome.TOO_LARGE,
    429: Outcome.RATE_LIMITED,
    503: Outcome.OVERLOADED,
}
_LOG = structlog.get_logger("ostiary.identity.request")


class OutcomeMiddleware:
    """Attaches the request context and, on the way out, names what the answer meant."""

    def __init__(
        self,
        *,
        snapshot: str,
        edge_token: str,
        clock: Clock,
        rng: Random,
        metrics: RequestMetrics,
    ) -> None:
        self._snapshot = snapshot
        self._edge_token = edge_token
        self._clock = clock
        self._rng = rng
        self._metrics = metrics

    def process_request(self, request: falcon.Request, _response: falcon.Response) -> None:
        """Attach the context before anything else sees the request."""
        request.context.ostiary = read_context(request, edge_token=self._edge_token, rng=self._rng)
        request.context.started = self._clock.monotonic()

    def process_resource(
        self,
        request: falcon.Request,
        _response: falcon.Response,
        _resource: object,
        _params: dict[str, str],
    ) -> None:
        """Remember the route's template: paths themselves can hold what logs must not."""
        context_of(request).route = request.uri_template or "unrouted"

    def process_response(
        self,
        request: falcon.Request,
        response: falcon.Response,
        _resource: object,
        req_succeeded: bool,
    ) -> None:
        """Set `x-auth-outcome` and what belongs to it; count, and log."""
        context = context_of(request)
        outcome = context.outcome
        if outcome is None:
            outcome = _outcome_of_status(response.status_code, succeeded=req_succeeded)
        if not context.from_edge and context.request_id != UNREAD:
            # The edge names the request itself; without it nobody could find this one in the log.
            response.set_header(REQUEST_ID_HEADER, context.request_id)
        response.set_header(OUTCOME_HEADER, f"{self._snapshot}/{outcome.value}")
        if context.kind is not None:
            response.set_header(KIND_HEADER, context.kind.value)
        if context.subject is not None and context.from_edge and context.is_second_opinion:
            # Only the edge knows the token, so nobody can choose their bucket.
            bucket = bucket_of(context.subject, self._edge_token)
            response.set_header(SUBJECT_HEADER, str(bucket))
        response.set_header("x-content-type-options", "nosniff")
        now = self._clock.monotonic()
        seconds = now - getattr(request.context, "started", now)
        self._metrics.observe(context.route, request.method, outcome, seconds)
        _log(request.method, context, outcome, response.status_code, seconds)


def _outcome_of_status(status: int, *, succeeded: bool) -> Outcome:
    """Return the outcome of an answer whose handler named none."""
    if status in _STATUS_OUTCOMES:
        return _STATUS_OUTCOMES[status]
    if succeeded and status < 400:  # noqa: PLR2004 - first error status
        return Outcome.OK
    return Outcome.INVALID_REQUEST if 400 <= status < 500 else Outcome.INTERNAL_ERROR  # noqa: PLR2004


def _log(
    method: str, context: RequestContext, outcome: Outcome, status: int, seconds: float
) -> None:
    level = "error" if classify(outcome) is OutcomeClass.FAULT else "info"
    getattr(_LOG, level)(
        "request",
        request_id=context.request_id,
        attempt=context.attempt,
        method=name_of_method(method),
        route=context.route,
        status=status,
        outcome=outcome.value,
        ms=round(seconds * 1000, 2),
    )
