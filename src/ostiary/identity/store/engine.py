"""Transactions on SQLite and PostgreSQL with bounded waits.

SQLite: write-ahead log, `BEGIN IMMEDIATE` for every write, so that two writers queue instead of
failing each other, and a bounded wait. PostgreSQL: statement and lock time-outs. Whatever keeps
the store from answering becomes one error, `StoreUnavailableError`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from ostiary.kernel.errors import OstiaryError, RefusedError

_WAIT_SECONDS_MAX = 3
_SYNCHRONOUS = "ostiary_synchronous"
_POSTGRES_OPTIONS = (
    f"-c statement_timeout={_WAIT_SECONDS_MAX}s "
    f"-c lock_timeout={_WAIT_SECONDS_MAX}s "
    "-c idle_in_transaction_session_timeout=10s"
)


class StoreUnavailableError(OstiaryError):
    """The store did not answer in time, or at all. A server fault, never the user's."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "store_unavailable",
            "The account store does not answer right now.",
            hint="Try again in a moment.",
            detail=detail,
        )


class Store:
    """Opens transactions. Thread-safe; one per process."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading only; each statement sees the newest commit.

        Raises `StoreUnavailableError` when the store cannot be reached or waits too long.
        """
        with self._transaction(writes=False, durable=True) as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends, and rolls back if it raises.

        `durable=False` is for what may be lost in a power cut: a killed process still loses
        nothing. Raises `StoreUnavailableError` as `read` does.
        """
        with self._transaction(writes=True, durable=durable) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool, durable: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                prepared = connection.execution_options(
                    ostiary_writes=writes, ostiary_durable=durable
                )
                with prepared.begin():
                    yield prepared
        except (DBAPIError, PoolTimeoutError) as error:
            if _is_unavailable(error):
                # The class is enough: a driver's message can repeat bound values or the URL.
                raise StoreUnavailableError(_summary(error)) from error
            raise

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def open_store(database_url: str, *, connections_max: int = 8) -> Store:
    """Return a store for `sqlite:///…` or `postgresql://…`; nothing is connected yet.

    Its errors do not repeat bound values: hashes and addresses stay out of the log.
    Raises `RefusedError` for a URL that names neither. The message does not repeat the URL.
    """
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise RefusedError(
            "database_url_invalid",
            "The database URL cannot be parsed.",
            hint="Write sqlite:////absolute/path.db or postgresql://user@host/name.",
        ) from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(
            url,
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=_WAIT_SECONDS_MAX,
            hide_parameters=True,
            connect_args={"timeout": _WAIT_SECONDS_MAX, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Store(engine)
    if backend == "postgresql":
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=_WAIT_SECONDS_MAX,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": _WAIT_SECONDS_MAX, "options": _POSTGRES_OPTIONS},
        )
        return Store(engine)
    raise RefusedError(
        "database_url_invalid",
        f"The database URL names `{backend}`, which is not supported.",
        hint="Write sqlite:////absolute/path.db or postgresql://user@host/name.",
    )


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Take transaction control from the driver, and set what a connection keeps."""
    raw: Any = connection
    raw.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        raw.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("ostiary_writes"):
        # No BEGIN: each statement then sees the newest commit, which is what PostgreSQL's READ
        # COMMITTED gives too, and most reads are of one statement only.
        return
    level = "FULL" if options.get("ostiary_durable", True) else "NORMAL"
    # The setting stays with the connection, so it is sent only when it changes.
    if connection.info.get(_SYNCHRONOUS) != level:
        connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.info[_SYNCHRONOUS] = level
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_unavailable(error: DBAPIError | PoolTimeoutError) -> bool:
    if isinstance(error, PoolTimeoutError) or error.connection_invalidated:
        return True
    original = error.orig
    if isinstance(original, sqlite3.OperationalError | sqlite3.DatabaseError):
        return not isinstance(original, sqlite3.IntegrityError | sqlite3.ProgrammingError)
    # psycopg's OperationalError covers connection loss, time-outs and a server shutting down.
    return any(base.__name__ == "OperationalError" for base in type(original).__mro__)


def _summary(error: DBAPIError | PoolTimeoutError) -> str:
    original = getattr(error, "orig", None)
    return type(original if original is not None else error).__name__
