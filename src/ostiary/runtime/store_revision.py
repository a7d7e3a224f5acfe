"""Which revision the tables of a running store are at, read as cheaply as it can be."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

import psycopg

from ostiary.kernel.errors import RefusedError

_SECONDS_MAX = 3
_QUERY = "SELECT version_num FROM alembic_version"


def read_revision(database_url: str) -> str:
    """Return the revision. Raises `RefusedError` where the store does not tell it in time."""
    try:
        path = sqlite_file(database_url)
        row = _from_server(database_url) if path is None else _from_file(path)
    except (sqlite3.Error, psycopg.Error) as error:
        reason = str(error).partition("\n")[0].rpartition(" failed: ")[2]
        raise RefusedError(
            "store_unavailable",
            f"The account store does not tell which revision it is at: {reason}.",
            hint="Propose the change again when the store answers.",
        ) from None
    if row is None:
        raise RefusedError("store_unavailable", "The account store has no tables yet.")
    return str(row[0])


def sqlite_file(database_url: str) -> Path | None:
    """Return the file of a SQLite store; None for one on a server."""
    scheme, _, rest = database_url.partition("://")
    if scheme.partition("+")[0] != "sqlite":
        return None
    return Path(unquote(rest.removeprefix("/").partition("?")[0])).absolute()


def _from_file(path: Path) -> tuple[object, ...] | None:
    url = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(url, uri=True, timeout=_SECONDS_MAX)) as connection:
        row: tuple[object, ...] | None = connection.execute(_QUERY).fetchone()
        return row


def _from_server(database_url: str) -> tuple[object, ...] | None:
    scheme, _, rest = database_url.partition("://")
    url = f"{scheme.partition('+')[0]}://{rest}"
    with psycopg.connect(url, connect_timeout=_SECONDS_MAX, autocommit=True) as connection:
        connection.execute(f"SET statement_timeout = '{_SECONDS_MAX}s'".encode())
        return connection.execute(_QUERY.encode()).fetchone()
