"""Connections for work that may take long: without the short time-outs of requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.identity.store.postgresql_connections import read_hosts
from ostiary.kernel.errors import RefusedError

_NO_LIMITS = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"


@contextmanager
def snapshot_of(database_url: str) -> Iterator[Connection]:
    """Open a database for reading one state of it, whatever is written meanwhile.

    Writers are not kept waiting: SQLite reads from its write-ahead log, PostgreSQL one snapshot.
    Raises `RefusedError` where there is none, `StoreUnavailableError` where it cannot be read.
    """
    with _connected(database_url) as connection:
        if connection.dialect.name == "postgresql":
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        else:
            begin = "BEGIN"
        connection.exec_driver_sql(begin)
        yield connection
        connection.exec_driver_sql("ROLLBACK")


@contextmanager
def transaction_in(database_url: str) -> Iterator[Connection]:
    """Open a database for writing; everything is committed at the end, or nothing.

    Raises as `snapshot_of` does; a SQLite file is made where there is none.
    """
    with _connected(database_url, create=True) as connection:
        connection.exec_driver_sql("BEGIN")
        yield connection
        connection.exec_driver_sql("COMMIT")


@contextmanager
def _connected(database_url: str, *, create: bool = False) -> Iterator[Connection]:
    try:
        engine = _engine(database_url, create=create)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()
    except (DBAPIError, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreUnavailableError(f"{type(cause).__name__}: {_first_line(cause)}") from error


def _engine(database_url: str, *, create: bool) -> Engine:
    if database_url.partition("://")[0].partition("+")[0] in {"postgresql", "postgres"}:
        return create_engine(
            "postgresql+psycopg://",
            creator=lambda: connect(database_url),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
    try:
        url = make_url(database_url)
    except (ArgumentError, SQLAlchemyError):
        raise _invalid() from None
    if url.get_backend_name() != "sqlite" or not url.database:
        raise _invalid()
    if not create and not Path(url.database).is_file():
        raise RefusedError("store_missing", f"There is no account store {url.database}.")
    return create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True
    )


def connect(database_url: str) -> psycopg.Connection:
    """Connect to the first host that answers and takes writes, if the URL asks for that."""
    problem: psycopg.Error | None = None
    for host in read_hosts(database_url):
        try:
            # Last, so that the limits of requests that stand before it do not count.
            options = f"{host.get('options') or ''} {_NO_LIMITS}"
            return psycopg.connect(**{**host, "options": options}, autocommit=True)
        except psycopg.OperationalError as error:
            problem = error
    raise problem or _invalid()


def _invalid() -> RefusedError:
    return RefusedError(
        "database_url_invalid",
        "The database URL cannot be parsed.",
        hint="Write sqlite:////absolute/path.db or postgresql://user@host/name.",
    )


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
