"""The WSGI application: an empty Falcon app with the shared middleware and error handling.

Flows add their own routes to it through `Router`; this module knows none of them.
"""

from typing import Protocol

import falcon
import structlog

from ostiary.identity.http.context import context_of
from ostiary.identity.http.middleware import OutcomeMiddleware
from ostiary.identity.http.problems import ProblemError, store_unavailable, write_json
from ostiary.identity.passwords.gate import OverloadedError
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.outcomes import Outcome

App = falcon.App[falcon.Request, falcon.Response]
"""A Falcon application with the plain request and response types."""

_LOG = structlog.get_logger("ostiary.identity.error")
BODY_BYTES_MAX = 64 * 1024
"""Largest request body; the edge holds that much back so that a request can be asked again."""


class Router(Protocol):
    """What a flow needs to mount itself."""

    def add_route(self, uri_template: str, resource: object) -> None:
        """Serve `uri_template` by a Falcon resource."""
        ...


class ProblemWriter(Protocol):
    """Writes a problem in the form that suits the request: a page or JSON."""

    def __call__(
        self, request: falcon.Request, response: falcon.Response, problem: ProblemError
    ) -> None:
        """Write the whole response."""
        ...


class BodyLimitMiddleware:
    """Refuses bodies over 64 KiB before anything reads them."""

    def process_request(self, request: falcon.Request, _response: falcon.Response) -> None:
        """Raise `ProblemError` 413 for a body that is too large or of unknown length."""
        if (request.content_length or 0) > BODY_BYTES_MAX:
            raise ProblemError(
                413,
                Outcome.TOO_LARGE,
                "The request body is larger than 64 KiB.",
                hint="Send less.",
            )


class ErrorAnswers:
    """Turns whatever a handler raises into a written-out problem."""

    def __init__(self, write_problem: ProblemWriter) -> None:
        self._write_problem = write_problem

    def on_problem(
        self,
        request: falcon.Request,
        response: falcon.Response,
        error: ProblemError,
        _params: object,
    ) -> None:
        """Answer with the problem that a handler named."""
        self._write_problem(request, response, error)

    def on_store(
        self,
        request: falcon.Request,
        response: falcon.Response,
        error: StoreUnavailableError,
        _params: object,
    ) -> None:
        """Answer 503 with a reason when the store is away."""
        _LOG.error(
            "store unavailable", request_id=context_of(request).request_id, cause=error.detail
        )
        self._write_problem(request, response, store_unavailable(error))

    def on_overload(
        self,
        request: falcon.Request,
        response: falcon.Response,
        error: OverloadedError,
        _params: object,
    ) -> None:
        """Answer 503 at once when there are more passwords to check than can be."""
        problem = ProblemError(503, Outcome.OVERLOADED, error.message, hint=error.hint)
        self._write_problem(request, response, problem)
        response.set_header("retry-after", str(error.retry_after_seconds))

    def on_bug(
        self, request: falcon.Request, response: falcon.Response, error: Exception, _params: object
    ) -> None:
        """Answer 500 and log the trace; the person learns nothing of it."""
        _LOG.error("bug", request_id=context_of(request).request_id, exc_info=error)
        problem = ProblemError(
            500,
            Outcome.INTERNAL_ERROR,
            "Something went wrong on our side.",
            hint="Try again in a moment.",
        )
        self._write_problem(request, response, problem)

    def on_http(
        self,
        request: falcon.Request,
        response: falcon.Response,
        error: falcon.HTTPError,
        _params: object,
    ) -> None:
        """Answer what Falcon itself refuses."""
        self._write_problem(request, response, _problem_of(error))
        # A 405 names the methods that are allowed (RFC 9110, section 15.5.6).
        response.set_headers(error.headers or {})


def create_app(middleware: OutcomeMiddleware, *, write_problem: ProblemWriter = write_json) -> App:
    """Return an app without routes. Every error leaves it as a written-out problem."""
    app: App = falcon.App(middleware=[middleware, BodyLimitMiddleware()])
    app.req_options.auto_parse_form_urlencoded = False
    app.req_options.strip_url_path_trailing_slash = False
    answers = ErrorAnswers(write_problem)
    app.add_error_handler(Exception, answers.on_bug)
    app.add_error_handler(falcon.HTTPError, answers.on_http)
    app.add_error_handler(StoreUnavailableError, answers.on_store)
    app.add_error_handler(OverloadedError, answers.on_overload)
    app.add_error_handler(ProblemError, answers.on_problem)
    return app


def _problem_of(error: falcon.HTTPError) -> ProblemError:
    """Translate what Falcon itself refuses: unknown paths, methods, malformed input."""
    known = {
        404: (Outcome.NOT_FOUND, "There is nothing at this address."),
        405: (Outcome.METHOD_NOT_ALLOWED, "This address does not answer that method."),
        413: (Outcome.TOO_LARGE, "The request body is too large."),
    }
    outcome, message = known.get(
        error.status_code, (Outcome.INVALID_REQUEST, error.title or "Bad request.")
    )
    return ProblemError(error.status_code, outcome, message)
