"""Everything that is sealed in the store: checked at start, sealed anew when the key changes."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, select, text, update

from ostiary.identity.sealing.key_files import StoreKeyError
from ostiary.identity.sealing.sealer import Place, Sealer
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import server_secrets, signing_keys


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, and the column that names their rows."""

    table: Table
    row: Column[str]
    sealed: Column[str]

    def place(self, row: str) -> Place:
        """Return the place of one row's value."""
        return Place(self.table.name, self.sealed.name, row)


PRIVATE_KEYS = SealedColumn(signing_keys, signing_keys.c.kid, signing_keys.c.private_jwk_sealed)
SERVER_SECRETS = SealedColumn(server_secrets, server_secrets.c.name, server_secrets.c.value_sealed)
_ALL = (PRIVATE_KEYS, SERVER_SECRETS)


def exclude_other_sealers(connection: Connection, column: SealedColumn) -> None:
    """Make whoever writes sealed values there wait until this write transaction ends.

    SQLite's write transactions exclude each other anyway. On PostgreSQL readers go on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {column.table.name} IN SHARE ROW EXCLUSIVE MODE"))


def require_openable(store: Store, sealer: Sealer) -> None:
    """Raise `StoreKeyError` when the store holds secrets of another key; nothing is changed.

    Raises `StoreUnavailableError` when the store does not answer.
    """
    with store.read() as connection:
        for column in _ALL:
            for row, sealed in _values(connection, column):
                if not sealer.knows(sealed):
                    sealer.open(column.place(row), sealed)


def seal_anew(store: Store, sealer: Sealer) -> int:
    """Seal what is sealed under the previous key under the present one; return how many values.

    All or nothing, in one transaction. Raises `StoreKeyError` and `StoreUnavailableError`.
    """
    count = 0
    with store.write() as connection:
        for column in _ALL:
            exclude_other_sealers(connection, column)
            for row, sealed in _values(connection, column):
                if sealer.is_present(sealed):
                    continue
                place = column.place(row)
                fresh = sealer.seal(place, sealer.open(place, sealed))
                connection.execute(
                    update(column.table).where(column.row == row).values({column.sealed: fresh})
                )
                count += 1
    return count


def _values(connection: Connection, column: SealedColumn) -> list[tuple[str, str]]:
    rows = connection.execute(
        select(column.row, column.sealed).where(column.sealed.is_not(None)).order_by(column.row)
    )
    return [(str(row), str(sealed)) for row, sealed in rows]


__all__ = [
    "PRIVATE_KEYS",
    "SERVER_SECRETS",
    "SealedColumn",
    "StoreKeyError",
    "exclude_other_sealers",
    "require_openable",
    "seal_anew",
]
