"""Guards for views of Flask. `VerifyWSGI` has to stand around `app.wsgi_app`."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, abort, current_app, request

from ostiary.verify.answers import Answer
from ostiary.verify.principal import Principal
from ostiary.verify.requirements import Requirement, principal_in, roles, scopes

P = ParamSpec("P")
R = TypeVar("R")


def current_principal() -> Principal | None:
    """Return who sends the current request, None for nobody."""
    return principal_in(request.environ)


def require_scope(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view be called with a token that carries all these scopes only."""
    return _guard(scopes(*names))


def require_role(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view be called by users with at least one of these roles only."""
    return _guard(roles(*names))


def _guard(requirement: Requirement) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            judged = requirement.judge(current_principal())
            if isinstance(judged, Answer):
                abort(Response(judged.body, judged.status, list(judged.headers)))
            # Views may be coroutines; Flask runs them so.
            result: R = current_app.ensure_sync(view)(*args, **kwargs)
            return result

        return guarded

    return decorate
