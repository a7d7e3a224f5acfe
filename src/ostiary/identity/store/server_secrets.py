"""Secrets that all replicas share, made by whichever of them needs one first."""

from sqlalchemy import Select, select

from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import server_secrets
from ostiary.identity.store.upserts import insert_into
from ostiary.kernel.ids import Random

_SECRET_BYTES = 32


def read_or_create(store: Store, name: str, rng: Random) -> bytes:
    """Return the secret called `name`; create it when no replica has done so yet.

    Several replicas may start at once: the first insert wins and all of them read it. Raises
    `StoreUnavailableError` when the store does not answer.
    """
    with store.read() as connection:
        value = connection.execute(_value(name)).scalar()
    if value is None:
        with store.write() as connection:
            offer = insert_into(connection, server_secrets).values(
                name=name, value=rng.token(_SECRET_BYTES)
            )
            connection.execute(offer.on_conflict_do_nothing(index_elements=["name"]))
            value = connection.execute(_value(name)).scalar_one()
    return str(value).encode()


def _value(name: str) -> Select[str]:
    return select(server_secrets.c.value).where(server_secrets.c.name == name)
