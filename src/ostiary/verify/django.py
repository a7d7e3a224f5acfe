"""Middleware and guards for Django, under WSGI and ASGI.

The setting `OSTIARY_VERIFY` is a dictionary of what `Options` takes, and of `public` and `required`
of `Gate`. Views find the `Principal` as `request.principal`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from ostiary.verify.answers import Answer
from ostiary.verify.errors import ConfigurationError
from ostiary.verify.gate import Gate
from ostiary.verify.principal import PRINCIPAL_KEY, Principal
from ostiary.verify.requirements import Requirement, principal_in, roles, scopes
from ostiary.verify.verifier import Verifier

_SETTING = "OSTIARY_VERIFY"
_OF_THE_GATE = ("public", "required")
View = Callable[..., Any]


class VerifyMiddleware:
    """Lets requests through whose access token is good, and answers the others.

    Django ends at start with `ConfigurationError` where the settings cannot be.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._gate = _gate()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        """Serve one request; under ASGI the result is to be awaited."""
        if self._is_async:
            return self._serve_async(request)
        return _let_in(request, self._gate.admit(request.path_info, _values(request))) or (
            self._get_response(request)
        )

    async def _serve_async(self, request: HttpRequest) -> object:
        admitted = await self._gate.admit_async(request.path_info, _values(request))
        return _let_in(request, admitted) or await self._get_response(request)


def principal_of(request: HttpRequest) -> Principal | None:
    """Return who sends a request, None for nobody."""
    return principal_in(vars(request))


def require_scope(*names: str) -> Callable[[View], View]:
    """Let a view be called with a token that carries all these scopes only."""
    return _guard(scopes(*names))


def require_role(*names: str) -> Callable[[View], View]:
    """Let a view be called by users with at least one of these roles only."""
    return _guard(roles(*names))


def _gate() -> Gate:
    given = getattr(settings, _SETTING, None)
    if not isinstance(given, dict):
        raise ConfigurationError(f"{_SETTING} must be a dictionary, with issuer and audience.")
    options = {name: value for name, value in given.items() if name not in _OF_THE_GATE}
    of_the_gate = {name: given[name] for name in _OF_THE_GATE if name in given}
    return Gate(Verifier(**options), **of_the_gate)


def _values(request: HttpRequest) -> list[bytes]:
    value = request.META.get("HTTP_AUTHORIZATION")
    return [] if value is None else [value.encode("latin-1", "replace")]


def _let_in(request: HttpRequest, admitted: Principal | Answer | None) -> HttpResponse | None:
    """Leave the principal in the request, or return the answer that is due."""
    if isinstance(admitted, Answer):
        return _response_of(admitted)
    vars(request).update({PRINCIPAL_KEY: admitted, "principal": admitted})
    return None


def _response_of(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def _guard(requirement: Requirement) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> object:
            judged = requirement.judge(principal_of(request))
            if isinstance(judged, Answer):
                return _response_of(judged)
            return view(request, *args, **kwargs)

        @wraps(view)
        async def guarded_async(request: HttpRequest, *args: object, **kwargs: object) -> object:
            judged = requirement.judge(principal_of(request))
            if isinstance(judged, Answer):
                return _response_of(judged)
            return await view(request, *args, **kwargs)

        return guarded_async if iscoroutinefunction(view) else guarded

    return decorate
