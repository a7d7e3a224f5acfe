"""Clients in the store: the table `clients`."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from ostiary.identity.clients.model import Client, is_client_id
from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.identity.store.proofs import Proofs, note_ended
from ostiary.identity.store.reading import Reading
from ostiary.identity.store.schema import clients
from ostiary.identity.store.upserts import insert_into

# Made once: building and hashing a statement costs more than SQLite takes to answer it.
_ALL = select(clients).order_by(clients.c.client_id)
_BY_ID = select(clients).where(clients.c.client_id == bindparam("id"))


class Clients:
    """Reads and writes clients. `proofs` remembers them for the time the store is away."""

    def __init__(self, proofs: Proofs[Client] | None = None) -> None:
        self._proofs = proofs

    def find(self, connection: Connection, client_id: str) -> Client | None:
        """Return a client, or None when there is none of that id."""
        return self._found(client_id, lambda: _read(connection, client_id))

    def find_for(self, reading: Reading, client_id: str) -> Client | None:
        """Return a client for a request; a deleted one is refused at once, on all replicas."""
        return self._found(
            client_id,
            lambda: reading.ask(
                ("client", client_id), lambda connection: _read(connection, client_id)
            ),
        )

    def _found(self, client_id: str, read: Callable[[], Client | None]) -> Client | None:
        if not is_client_id(client_id):
            return None
        moment = 0 if self._proofs is None else self._proofs.moment(client_id)
        client = read()
        if self._proofs is not None:
            if client is None:
                self._proofs.forget(client_id)
            else:
                self._proofs.remember(client_id, client, since=moment)
        return client

    def recall(self, client_id: str) -> Client:
        """Return a client as the store last described it, while the store is away.

        Raises `StoreUnavailableError` where that was too long ago: it does not mean unknown.
        """
        client = None if self._proofs is None else self._proofs.recall(client_id)
        if client is None:
            raise StoreUnavailableError("the client was not asked for lately")
        return client

    def list_(self, connection: Connection, *, include_probes: bool) -> list[Client]:
        """Return all clients by id; without the guard's own ones unless they are included."""
        query = _ALL if include_probes else _ALL.where(clients.c.probe.is_(False))
        return [_client(row) for row in connection.execute(query)]

    def add(self, connection: Connection, client: Client) -> bool:
        """Add a client; return False, changing nothing, when its id is taken."""
        offered = insert_into(connection, clients).values(
            client_id=client.client_id,
            secret_hash=client.secret_hash,
            redirect_uris=list(client.redirect_uris),
            post_logout_redirect_uris=list(client.post_logout_redirect_uris),
            grants=sorted(client.grants),
            scopes=list(client.scopes),
            audience=client.audience,
            access_token_seconds=client.access_token_seconds,
            probe=client.probe,
            created_at=client.created_at,
        )
        result = connection.execute(offered.on_conflict_do_nothing(index_elements=["client_id"]))
        return result.rowcount > 0

    def delete(self, connection: Connection, client_id: str) -> bool:
        """Delete a client with its codes, grants and refresh tokens; return whether it was there.

        Access tokens that it holds verify until they expire, but are inactive at introspection.
        """
        if not is_client_id(client_id):
            return False
        note_ended(connection, client_id)
        result = connection.execute(delete(clients).where(clients.c.client_id == client_id))
        return result.rowcount > 0


def _read(connection: Connection, client_id: str) -> Client | None:
    row = connection.execute(_BY_ID, {"id": client_id}).first()
    return None if row is None else _client(row)


def _client(row: Row[*tuple[Any, ...]]) -> Client:
    return Client(
        client_id=row.client_id,
        secret_hash=row.secret_hash,
        redirect_uris=tuple(row.redirect_uris),
        post_logout_redirect_uris=tuple(row.post_logout_redirect_uris),
        grants=frozenset(row.grants),
        scopes=tuple(row.scopes),
        audience=row.audience,
        access_token_seconds=row.access_token_seconds,
        probe=row.probe,
        created_at=row.created_at,
    )
