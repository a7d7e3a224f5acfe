"""Guards for routes of Starlette. `VerifyASGI` has to be among the application's middleware."""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from ostiary.verify.answers import Answer
from ostiary.verify.principal import Principal
from ostiary.verify.requirements import Requirement, principal_in, roles, scopes

Endpoint = Callable[[Request], Any]
Guarded = Callable[[Request], Awaitable[Response]]


def principal_of(connection: HTTPConnection) -> Principal | None:
    """Return who sends a request, None for nobody."""
    return principal_in(connection.scope)


def require_scope(*names: str) -> Callable[[Endpoint], Guarded]:
    """Let an endpoint be called with a token that carries all these scopes only."""
    return _guard(scopes(*names))


def require_role(*names: str) -> Callable[[Endpoint], Guarded]:
    """Let an endpoint be called by users with at least one of these roles only."""
    return _guard(roles(*names))


def response_of(answer: Answer) -> Response:
    """Return an answer as Starlette sends it."""
    return Response(answer.body, answer.status, dict(answer.headers))


def _guard(requirement: Requirement) -> Callable[[Endpoint], Guarded]:
    def decorate(endpoint: Endpoint) -> Guarded:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            judged = requirement.judge(principal_of(request))
            if isinstance(judged, Answer):
                return response_of(judged)
            if iscoroutinefunction(endpoint):
                response: Response = await endpoint(request)
            else:
                response = await run_in_threadpool(endpoint, request)
            return response

        return guarded

    return decorate
