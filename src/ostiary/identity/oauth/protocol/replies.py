"""Writing an OAuth answer out, and letting applications in browsers read it."""

from dataclasses import dataclass
from typing import Any

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.problems import ProblemError, retry_hint
from ostiary.identity.oauth.protocol.errors import error_code_of
from ostiary.kernel.outcomes import Outcome

_PREFLIGHT_SECONDS = "86400"


@dataclass(frozen=True, slots=True)
class Reply:
    """What Authlib's core wants answered. `body` is a JSON object, or empty with a redirect."""

    status: int
    body: dict[str, Any] | str
    headers: tuple[tuple[str, str], ...]
    outcome: Outcome


def write_reply(request: falcon.Request, response: falcon.Response, reply: Reply) -> None:
    """Write a reply out."""
    context_of(request).outcome = reply.outcome
    response.status = falcon.code_to_http_status(reply.status)
    if reply.body:
        response.media = reply.body
    for name, value in reply.headers:
        if name.lower() != "content-type":
            response.set_header(name, value)


def write_oauth_problem(
    request: falcon.Request, response: falcon.Response, problem: ProblemError
) -> None:
    """Write a problem in the form that OAuth clients read (RFC 6749, section 5.2)."""
    context_of(request).outcome = problem.outcome
    response.status = falcon.code_to_http_status(problem.status)
    response.media = {
        "error": error_code_of(problem),
        "error_description": f"{problem.message} {problem.hint}".strip(),
    }
    response.set_header("cache-control", "no-store")
    retry_hint(response, problem)


def allow_any_origin(response: falcon.Response) -> None:
    """Let scripts of any origin read the answer (Fetch standard, CORS protocol).

    Cookies play no part at these endpoints and are not sent along, so any origin learns only what
    it could have asked for itself.
    """
    response.set_header("access-control-allow-origin", "*")
    response.set_header("access-control-expose-headers", "WWW-Authenticate")


def answer_preflight(response: falcon.Response, methods: str) -> None:
    """Answer a browser that asks whether it may send `methods`."""
    allow_any_origin(response)
    response.status = falcon.HTTP_204
    response.set_header("access-control-allow-methods", methods)
    response.set_header("access-control-allow-headers", "authorization, content-type")
    response.set_header("access-control-max-age", _PREFLIGHT_SECONDS)
    response.set_header("allow", methods)
