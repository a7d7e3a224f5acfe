"""Dependencies for FastAPI. `VerifyASGI` has to be among the application's middleware."""

from collections.abc import Awaitable, Callable

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from ostiary.verify.answers import Answer
from ostiary.verify.principal import Principal
from ostiary.verify.requirements import Requirement, principal_in, roles, scopes

Dependency = Callable[[HTTPConnection], Awaitable[Principal]]
_OF_THE_BODY = ("content-type", "content-length")


async def principal_of(connection: HTTPConnection) -> Principal:
    """Return who sends a request; nobody is answered 401. A dependency."""
    return _allowed(Requirement(), connection)


def require_scope(*names: str) -> Dependency:
    """Return a dependency: the caller, with a token that carries all these scopes."""
    return _dependency(scopes(*names))


def require_role(*names: str) -> Dependency:
    """Return a dependency: the caller, with at least one of these roles."""
    return _dependency(roles(*names))


def _dependency(requirement: Requirement) -> Dependency:
    async def dependency(connection: HTTPConnection) -> Principal:
        return _allowed(requirement, connection)

    return dependency


def _allowed(requirement: Requirement, connection: HTTPConnection) -> Principal:
    judged = requirement.judge(principal_in(connection.scope))
    if isinstance(judged, Answer):
        headers = {name: text for name, text in judged.headers if name not in _OF_THE_BODY}
        raise HTTPException(judged.status, judged.reason_phrase, headers)
    return judged
