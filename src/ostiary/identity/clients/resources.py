"""`/admin/clients`: registering, listing and deleting clients."""

from typing import Any

import falcon
from sqlalchemy import Connection

from ostiary.identity.audit.model import OPERATOR, Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.clients.model import Client
from ostiary.identity.clients.registration import new_client, read_registration
from ostiary.identity.clients.storage import Clients
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import BODY_BYTES_MAX, Router
from ostiary.identity.http.context import attempt_of
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import Outcome


def mount_clients(
    router: Router,
    store: Store,
    admin_token: AdminToken,
    *,
    clock: Clock,
    rng: Random,
    snapshot: str,
) -> None:
    """Serve the client part of the admin API."""
    notes = _Notes(clock, snapshot=snapshot)
    collection = _Collection(store, notes, admin_token, clock, rng)
    router.add_route("/admin/clients", collection)
    router.add_route("/admin/clients/{client_id}", _Member(store, notes, admin_token))


class _Notes:
    """What is done to clients, written into the audit log in the same transaction."""

    def __init__(self, clock: Clock, *, snapshot: str) -> None:
        self._clock = clock
        self._snapshot = snapshot
        self._log = AuditLog()

    def append(
        self,
        connection: Connection,
        operation: Operation,
        client: Client,
        request: falcon.Request,
    ) -> None:
        entry = Entry(
            operation,
            client.client_id,
            to_unix(self._clock.now()),
            actor=OPERATOR,
            probe=client.probe,
        )
        self._log.append(connection, entry, attempt_of(request, snapshot=self._snapshot))


class _Collection:
    """All clients."""

    def __init__(
        self, store: Store, notes: _Notes, admin_token: AdminToken, clock: Clock, rng: Random
    ) -> None:
        self._store = store
        self._notes = notes
        self._clients = Clients()
        self._admin_token = admin_token
        self._clock = clock
        self._rng = rng

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List clients; the guard's own only with `?probe=1`."""
        self._admin_token.require(request)
        include_probes = request.get_param("probe") == "1"
        with self._store.read() as connection:
            found = self._clients.list_(connection, include_probes=include_probes)
        response.media = {"clients": [_as_json(client) for client in found]}

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Register a client and show its secret, this once."""
        self._admin_token.require(request)
        registration = read_registration(request.bounded_stream.read(BODY_BYTES_MAX))
        client, secret = new_client(registration, rng=self._rng, now=to_unix(self._clock.now()))
        with self._store.write() as connection:
            added = self._clients.add(connection, client)
            if added:
                self._notes.append(connection, Operation.CLIENT_ADDED, client, request)
        if not added:
            raise ProblemError(
                409,
                Outcome.ALREADY_EXISTS,
                f"There is a client {client.client_id} already.",
                hint="Choose another client_id, or delete that client first.",
            )
        response.status = falcon.HTTP_201
        response.set_header("cache-control", "no-store")
        response.media = _as_json(client) | ({} if secret is None else {"client_secret": secret})


class _Member:
    """One client."""

    def __init__(self, store: Store, notes: _Notes, admin_token: AdminToken) -> None:
        self._store = store
        self._notes = notes
        self._clients = Clients()
        self._admin_token = admin_token

    def on_delete(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Delete a client with everything it was granted."""
        self._admin_token.require(request)
        with self._store.write() as connection:
            client = self._clients.find(connection, client_id)
            deleted = client is not None and self._clients.delete(connection, client_id)
            if client is not None and deleted:
                self._notes.append(connection, Operation.CLIENT_DELETED, client, request)
        if not deleted:
            raise ProblemError(404, Outcome.NOT_FOUND, "There is no client of that id.")
        response.status = falcon.HTTP_204


def _as_json(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "public": client.is_public,
        "redirect_uris": list(client.redirect_uris),
        "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
        "grants": sorted(client.grants),
        "scopes": list(client.scopes),
        "audience": client.audience,
        "access_token_seconds": client.access_token_seconds,
        "probe": client.probe,
        "created_at": client.created_at,
    }
