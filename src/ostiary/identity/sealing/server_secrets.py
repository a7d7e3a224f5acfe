"""Secrets that all replicas share, made by whichever of them needs one first."""

from sqlalchemy import Connection, select

from ostiary.identity.sealing.sealed_columns import SERVER_SECRETS, exclude_other_sealers
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import server_secrets
from ostiary.identity.store.upserts import insert_into
from ostiary.kernel.ids import Random

_SECRET_BYTES = 32


def read_or_create(store: Store, sealer: Sealer, name: str, rng: Random) -> bytes:
    """Return the secret called `name`; create it when no replica has done so yet.

    Several replicas may start at once: the first insert wins and all of them read it. Raises
    `StoreUnavailableError` when the store does not answer, `StoreKeyError` when it is sealed under
    another key.
    """
    with store.read() as connection:
        sealed = _find(connection, name)
    if sealed is None:
        with store.write() as connection:
            exclude_other_sealers(connection, SERVER_SECRETS)
            fresh = sealer.seal(SERVER_SECRETS.place(name), rng.token(_SECRET_BYTES).encode())
            offer = insert_into(connection, server_secrets).values(name=name, value_sealed=fresh)
            connection.execute(offer.on_conflict_do_nothing(index_elements=["name"]))
            sealed = str(_find(connection, name))
    return sealer.open(SERVER_SECRETS.place(name), sealed)


def _find(connection: Connection, name: str) -> str | None:
    value = connection.execute(
        select(server_secrets.c.value_sealed).where(server_secrets.c.name == name)
    ).scalar()
    return None if value is None else str(value)
