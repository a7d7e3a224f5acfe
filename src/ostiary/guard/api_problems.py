"""How the guard's API tells problems: expected ones, malformed requests, bugs."""

import traceback
from typing import Any

import falcon
import falcon.asgi

from ostiary.kernel.errors import BugError, OstiaryError, UsageError


def tell_problems(app: falcon.asgi.App[Any, Any]) -> None:
    """Have an application answer problems with code, message, hint and exit code."""
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(falcon.HTTPError, _on_malformed)
    app.add_error_handler(OstiaryError, _on_problem)


async def _on_problem(
    _request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: OstiaryError,
    _parts: dict[str, str],
    **_options: object,
) -> None:
    _write(response, error)


async def _on_malformed(
    _request: falcon.asgi.Request,
    response: falcon.asgi.Response,
    error: falcon.HTTPError,
    _parts: dict[str, str],
    **_options: object,
) -> None:
    message = error.title or "The guard does not know this request."
    _write(response, UsageError("request_unknown", message, hint="Look at what was typed."))


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
        f"This is a bug in Ostiary's guard ({type(error).__name__}). A trace is in guard.log.",
        hint="Please report it with that trace at the project's issue tracker.",
    )
    _write(response, problem)


def body_of(error: OstiaryError) -> dict[str, str | int]:
    """Return the JSON object that tells a problem over HTTP."""
    return {
        "error": error.code,
        "message": error.message,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
    }


def _write(response: falcon.asgi.Response, error: OstiaryError) -> None:
    response.status = falcon.HTTP_409
    response.media = body_of(error)
