"""PostgreSQL as the store: a small pool, several hosts, and an end to every wait.

The server ends a statement or a wait for a lock by itself. One that is paused, or gone without a
word, cannot: therefore the client also counts the time of every answer, and hangs up.
"""

from typing import Any, cast

import psycopg
from psycopg import errors
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from ostiary.identity.store.failure import Failure
from ostiary.identity.store.postgresql_connections import (
    ANSWER_SECONDS_MAX,
    BoundedConnection,
    Connector,
    read_hosts,
    refuse_closed,
)

_READ_ONLY = "25006"  # SQLSTATE: the server has become a standby
_DAMAGED = ("XX001", "XX002")
_NO_TABLE = "42P01"  # another database stands there, or this one is being restored


class PostgresqlBackend:
    """How transactions begin and end on PostgreSQL, and what its errors mean."""

    def __init__(self, url: str, *, connections_max: int) -> None:
        """Connect nothing yet. Raises `ValueError` for a URL that libpq does not read."""
        hosts = read_hosts(url)
        self.engine: Engine = create_engine(
            _engine_url(hosts),
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=ANSWER_SECONDS_MAX,
            # The connection used last is warm; those that a burst needed are not kept busy.
            pool_use_lifo=True,
            # Each connection is left between transactions, never inside one.
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,
        )
        event.listen(self.engine, "do_connect", Connector(hosts).connect)
        event.listen(self.engine, "checkout", refuse_closed)

    def begin(
        self,
        connection: Connection,
        *,
        durable: bool,  # noqa: ARG002 - see below
        seconds_max: float | None,
    ) -> None:
        """Begin a write; `seconds_max` grants its statements more time than usual.

        Every commit waits for the disk: without that a server that is killed loses the newest.
        """
        connection.exec_driver_sql("BEGIN")
        if seconds_max is not None:
            limit = f"{seconds_max * 1000:.0f}"
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {limit}")
            _bounded(connection).answer_seconds_max = seconds_max + ANSWER_SECONDS_MAX

    def end(self, connection: Connection, *, seconds_max: float | None) -> None:
        """Take back the time that `begin` granted; the server does so by itself."""
        if seconds_max is not None and not connection.invalidated:
            _bounded(connection).answer_seconds_max = ANSWER_SECONDS_MAX

    def roll_back(self, connection: Connection) -> None:
        """Undo a write, where the connection is still there."""
        raw = _bounded(connection)
        if not raw.closed:
            raw.execute("ROLLBACK")

    def version(self) -> None:
        """Tell nothing: a server has to be asked anyway."""

    def close(self) -> None:
        """Nothing is held beside the engine."""

    def probe(self, connection: Connection) -> None:
        """Ask the server anything."""
        connection.exec_driver_sql("SELECT 1").close()

    def explain(self, error: DBAPIError) -> Failure | None:
        """Return what an error says about the store; None for an error of the caller."""
        original = error.orig
        state = getattr(original, "sqlstate", None)
        if state == _READ_ONLY:
            return Failure("PostgreSQL: the server takes no writes", outdated=True)
        if state == _NO_TABLE:
            return Failure(f"PostgreSQL: a table is missing ({state})")
        if state in _DAMAGED:
            return Failure(f"PostgreSQL: damaged ({state})", damaged=True)
        if not isinstance(original, psycopg.OperationalError | psycopg.InterfaceError):
            return None
        # Without a state it is the connection: refused, lost, or given up by this side.
        if state is None:
            return Failure(f"PostgreSQL: {_last_words(original)}", waited=True)
        return Failure(
            f"PostgreSQL: {type(original).__name__} ({state})",
            waited=isinstance(original, errors.QueryCanceled | errors.LockNotAvailable),
            locked=isinstance(original, errors.LockNotAvailable),
        )


def _last_words(error: psycopg.Error) -> str:
    """Return why a connection failed: libpq says where first, and the reason behind a colon."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rpartition(" failed: ")[2]


def _engine_url(hosts: list[dict[str, Any]]) -> URL:
    """Return the address for SQLAlchemy, which shows it but does not connect by it."""
    first = hosts[0]
    query = {
        "host": ",".join(str(host.get("host") or "") for host in hosts),
        "port": ",".join(str(host.get("port") or "5432") for host in hosts),
    }
    for name in ("target_session_attrs", "sslmode"):
        if name in first:
            query[name] = str(first[name])
    return URL.create(
        "postgresql+psycopg",
        username=first.get("user"),
        password=first.get("password"),
        database=first.get("dbname"),
        query=query,
    )


def _bounded(connection: Connection) -> BoundedConnection:
    # Every connection is made by `Connector`.
    return cast("BoundedConnection", connection.connection.dbapi_connection)
