"""Verdicts over HTTP: for Argo Rollouts, for Flagger's webhooks, for posted counts, for people.

Argo takes the verdict from the body, and every status but 2xx for an error of the measurement.
Flagger takes it from the status alone: a `confirm-…` hook lets the rollout go on at up to 202, a
`rollback` hook takes it back at up to 202, and anything else does neither
(pkg/controller/webhook.go and scheduler_hooks.go). So each kind of hook has a resource of its own,
and whatever goes wrong here is answered above 202.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import falcon
import falcon.asgi

from ostiary.changes.operator_settings import Role
from ostiary.changes.verdicts import Verdict
from ostiary.guard.operators.registry import Registry
from ostiary.guard.verdicts.callers import caller_of
from ostiary.guard.verdicts.problems import tell_problems
from ostiary.guard.verdicts.service import Verdicts
from ostiary.guard.verdicts.slow_requests import REQUEST_SECONDS_MAX, Application, within
from ostiary.guard.verdicts.telling import Answer
from ostiary.kernel.errors import UsageError

BODY_BYTES_MAX: Final = 512 * 1024

CONFIRM, ROLLBACK, END = "confirm", "rollback", "end"
HOOKS: Final[Mapping[str, Verdict | None]] = {
    CONFIRM: Verdict.GO,
    ROLLBACK: Verdict.STOP,
    END: None,
}
"""Each kind of Flagger's hooks, with the one verdict that it takes for yes."""


def create_api(verdicts: Verdicts, registry: Registry) -> Application:
    """Return the ASGI application that serves `verdicts` to those whom `registry` knows."""
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    app.add_route("/healthz", _Health())
    app.add_route("/verdicts", _List(verdicts, registry))
    app.add_route("/verdicts/{name}", _One(verdicts, registry))
    app.add_route("/verdicts/{name}/counts", _Counts(verdicts, registry))
    app.add_route("/verdicts/{name}/reset", _Reset(verdicts, registry))
    app.add_route("/verdicts/{name}/flagger/{hook}", _Flagger(verdicts, registry))
    tell_problems(app)
    return within(app, REQUEST_SECONDS_MAX)


class _Health:
    """Whether the service runs; it tells nothing else, so that probes need no token."""

    async def on_get(self, _request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        response.media = {"status": "ok"}


class _Resource:
    """What every resource needs: the verdicts, and who may ask."""

    def __init__(self, verdicts: Verdicts, registry: Registry) -> None:
        self._verdicts = verdicts
        self._registry = registry

    def _may_look(self, request: falcon.asgi.Request) -> None:
        caller_of(request, self._registry, {}, "viewer")

    async def _body(self, request: falcon.asgi.Request, least: Role) -> tuple[Answer, str]:
        """Return the body of a request and the name of who has sent it.

        Who comes with a token in the header has to be known before the body is read.
        """
        if request.get_header("authorization") is not None:
            caller_of(request, self._registry, {}, least)
        body = await _read(request)
        return body, caller_of(request, self._registry, body, least).name


class _List(_Resource):
    async def on_get(self, request: falcon.asgi.Request, response: falcon.asgi.Response) -> None:
        self._may_look(request)
        response.media = self._verdicts.overview()


class _One(_Resource):
    async def on_get(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str
    ) -> None:
        self._may_look(request)
        response.media = self._verdicts.show(name)

    async def on_post(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str
    ) -> None:
        body, caller = await self._body(request, "proposer")
        response.media = self._verdicts.ask(name, body.get("revision"), caller)


class _Counts(_Resource):
    async def on_post(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str
    ) -> None:
        body, _ = await self._body(request, "proposer")
        response.media = self._verdicts.count(name, body)


class _Reset(_Resource):
    async def on_post(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str
    ) -> None:
        body, caller = await self._body(request, "approver")
        response.media = self._verdicts.reset(name, body, caller)


class _Flagger(_Resource):
    async def on_post(
        self, request: falcon.asgi.Request, response: falcon.asgi.Response, name: str, hook: str
    ) -> None:
        if hook not in HOOKS:
            raise UsageError(
                "hook_unknown",
                f"There is no hook {hook[:80]!a}.",
                hint=f"There are: {', '.join(HOOKS)}.",
            )
        body, caller = await self._body(request, "proposer")
        revision = _revision_of(body)
        if hook == END:
            response.media = self._verdicts.end(name, revision)
            return
        answer = self._verdicts.ask(name, revision, caller)
        response.media = answer
        if answer["verdict"] != HOOKS[hook]:
            response.status = falcon.HTTP_409


def _revision_of(body: Mapping[str, Any]) -> object:
    """Return the checksum that Flagger sends, or what the webhook's metadata name."""
    metadata = body.get("metadata")
    named = metadata.get("revision") if isinstance(metadata, Mapping) else None
    return body.get("checksum") or named


async def _read(request: falcon.asgi.Request) -> Answer:
    """Return the JSON object in a body; raises `UsageError` for none, or a large one."""
    content = await request.stream.read(BODY_BYTES_MAX + 1)
    if len(content) > BODY_BYTES_MAX:
        raise UsageError(
            "request_too_large", f"The body of a request can have {BODY_BYTES_MAX} bytes."
        )
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UsageError(
            "request_malformed",
            "The body of the request is no JSON object.",
            hint='Post for example {"revision": "5d9c7f"}.',
        )
    return body
