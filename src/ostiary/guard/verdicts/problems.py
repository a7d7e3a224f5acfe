"""How the verdict service tells problems: a status for programs, and words for people."""

import traceback
from types import MappingProxyType
from typing import Any

import falcon
import falcon.asgi

from ostiary.guard.api_problems import body_of
from ostiary.kernel.errors import BugError, OstiaryError, UsageError
from ostiary.kernel.journal import JournalError

_STATUS = MappingProxyType(
    {
        "operator_unknown": falcon.HTTP_401,
        "not_permitted": falcon.HTTP_403,
        "rollout_unknown": falcon.HTTP_404,
        "hook_unknown": falcon.HTTP_404,
        "revision_other": falcon.HTTP_409,
        "counts_unused": falcon.HTTP_409,
        "request_too_large": falcon.HTTP_413,
    }
)
"""Statuses of the problems that have one of their own; the others are 400. None is a 2xx."""


def tell_problems(app: falcon.asgi.App[Any, Any]) -> None:
    """Have an application answer problems with code, message, hint and exit code."""
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(OstiaryError, _on_problem)


async def _on_problem(
    _request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: OstiaryError,
    _parts: dict[str, str],
    **_options: object,
) -> None:
    away = isinstance(error, JournalError)
    status = falcon.HTTP_503 if away else _STATUS.get(error.code, falcon.HTTP_400)
    _write(response, error, status)
    if status == falcon.HTTP_401:
        response.set_header("www-authenticate", "Bearer")


async def _on_http_error(
    _request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: falcon.HTTPError,
    _parts: dict[str, str],
    **_options: object,
) -> None:
    problem = UsageError(
        "request_unknown",
        "The verdict service does not know this request.",
        hint="See the page on verdicts for its addresses and methods.",
    )
    _write(response, problem, error.status)


async def _on_bug(
    _request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: Exception,
    _parts: dict[str, str],
    **_options: object,
) -> None:
    traceback.print_exception(error)
    problem = BugError(
        "internal_error",
        f"This is a bug in Ostiary's verdict service ({type(error).__name__}); its standard error "
        "holds a trace.",
        hint="Please report it with that trace at the project's issue tracker.",
    )
    _write(response, problem, falcon.HTTP_500)


def _write(response: falcon.asgi.Response, error: OstiaryError, status: str | int) -> None:
    response.status = status
    response.media = body_of(error)
