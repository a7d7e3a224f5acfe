"""The guard's API: what the command line and the drills may ask of it.

Every resource is one word of `Operations`; this module only translates HTTP into calls and
problems into answers.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import falcon
import falcon.asgi

from ostiary.guard.api_problems import tell_problems
from ostiary.guard.operations_port import Answer, Operations
from ostiary.guard.operators.gate import Gate, operator_of
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.registry import Registry
from ostiary.guard.orders import KINDS, Kind
from ostiary.kernel.errors import UsageError

_BODY_BYTES_MAX = 1024 * 1024


class _Resource:
    """A Falcon resource from up to two calls."""

    def __init__(
        self,
        *,
        get: Callable[..., Awaitable[Answer]] | None = None,
        post: Callable[..., Awaitable[Answer]] | None = None,
    ) -> None:
        if get is not None:
            self.on_get = _reader(get)
        if post is not None:
            self.on_post = _writer(post)


def _reader(call: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[None]]:
    async def on_get(
        request: falcon.asgi.Request, response: falcon.asgi.Response, **parts: str
    ) -> None:
        response.media = await call(*parts.values(), operator_of(request))

    return on_get


def _writer(call: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[None]]:
    async def on_post(
        request: falcon.asgi.Request, response: falcon.asgi.Response, **parts: str
    ) -> None:
        response.media = await call(*parts.values(), await _body(request), operator_of(request))

    return on_post


async def _body(request: falcon.asgi.Request) -> Answer:
    if (request.content_length or 0) > _BODY_BYTES_MAX:
        raise UsageError("request_too_large", "The request to the guard is too large.")
    body = await request.get_media(default_when_empty={})
    if not isinstance(body, dict):
        raise UsageError("request_malformed", "The request to the guard must be a JSON object.")
    return body


def create_api(operations: Operations, registry: Registry) -> falcon.asgi.App[Any, Any]:
    """Return the ASGI application that serves `operations` to those whom `registry` knows."""

    async def status(_caller: Operator) -> Answer:
        return await operations.status()

    app: falcon.asgi.App[Any, Any] = falcon.asgi.App(middleware=[Gate(registry)])
    app.add_route("/status", _Resource(get=status))
    app.add_route("/shutdown", _Resource(post=operations.shut_down))
    app.add_route("/capacity", _Resource(post=operations.record_capacity))
    _add_users(app, operations)
    _add_clients(app, operations)
    _add_keys(app, operations)
    app.add_route("/audit", _Resource(post=operations.audit))
    app.add_route("/check", _Resource(post=operations.check))
    app.add_route("/journeys/run", _Resource(post=operations.run_journeys))
    _add_changes(app, operations)
    _add_snapshots(app, operations)
    tell_problems(app)
    return app


def _add_changes(app: falcon.asgi.App[Any, Any], operations: Operations) -> None:
    async def changes(_caller: Operator) -> Answer:
        return await operations.changes()

    async def change(change_id: str, _caller: Operator) -> Answer:
        return await operations.change(change_id)

    def ordering(kind: Kind) -> Callable[..., Awaitable[Answer]]:
        async def order(change_id: str, body: Answer, caller: Operator) -> Answer:
            return await operations.command(change_id, kind, body, caller)

        return order

    async def patch(change_id: str, _caller: Operator) -> Answer:
        return await operations.patch(change_id)

    app.add_route("/changes", _Resource(get=changes, post=operations.propose))
    app.add_route("/changes/{change_id}", _Resource(get=change))
    app.add_route("/changes/{change_id}/patch", _Resource(get=patch))
    app.add_route("/changes/{change_id}/comment", _Resource(post=operations.comment))
    for kind in KINDS:
        app.add_route(f"/changes/{{change_id}}/{kind}", _Resource(post=ordering(kind)))


def _add_snapshots(app: falcon.asgi.App[Any, Any], operations: Operations) -> None:
    async def snapshots(_caller: Operator) -> Answer:
        return await operations.snapshots()

    async def snapshot(snapshot_id: str, _caller: Operator) -> Answer:
        return await operations.snapshot(snapshot_id)

    app.add_route("/snapshots", _Resource(get=snapshots))
    app.add_route("/snapshots/{snapshot_id}", _Resource(get=snapshot))
    app.add_route("/snapshots/{snapshot_id}/revoke", _Resource(post=operations.revoke))


def _add_users(app: falcon.asgi.App[Any, Any], operations: Operations) -> None:
    ask = operations.identity_request

    async def users(caller: Operator) -> Answer:
        return await ask("GET", "/admin/users", None, caller)

    async def add_user(body: Answer, caller: Operator) -> Answer:
        return await ask("POST", "/admin/users", body, caller)

    async def user(email: str, caller: Operator) -> Answer:
        return await ask("GET", f"/admin/users/{email}", None, caller)

    async def change_user(email: str, action: str, body: Answer, caller: Operator) -> Answer:
        if action == "delete":
            return await ask("DELETE", f"/admin/users/{email}", None, caller)
        return await ask("POST", f"/admin/users/{email}/{action}", body, caller)

    app.add_route("/users", _Resource(get=users, post=add_user))
    app.add_route("/users/{email}", _Resource(get=user))
    app.add_route("/users/{email}/{action}", _Resource(post=change_user))


def _add_clients(app: falcon.asgi.App[Any, Any], operations: Operations) -> None:
    ask = operations.identity_request

    async def add_client(body: Answer, caller: Operator) -> Answer:
        return await ask("POST", "/admin/clients", body, caller)

    async def clients(caller: Operator) -> Answer:
        return await ask("GET", "/admin/clients", None, caller)

    async def delete_client(client_id: str, _body: Answer, caller: Operator) -> Answer:
        return await ask("DELETE", f"/admin/clients/{client_id}", None, caller)

    app.add_route("/clients", _Resource(get=clients, post=add_client))
    app.add_route("/clients/{client_id}/delete", _Resource(post=delete_client))


def _add_keys(app: falcon.asgi.App[Any, Any], operations: Operations) -> None:
    async def keys(caller: Operator) -> Answer:
        return await operations.identity_request("GET", "/admin/keys", None, caller)

    async def rotate_key(body: Answer, caller: Operator) -> Answer:
        return await operations.identity_request("POST", "/admin/keys/rotate", body, caller)

    app.add_route("/keys", _Resource(get=keys))
    app.add_route("/keys/rotate", _Resource(post=rotate_key))
