"""Connections to PostgreSQL: made to one of several hosts, given up when nobody answers."""

import select
import threading
from typing import Any, cast

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_attempts, conninfo_to_dict
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

STATEMENT_SECONDS_MAX = 1.0
"""Longest statement; ended by the server."""

LOCK_SECONDS_MAX = 0.8
"""Longest wait for a row or table; ended by the server."""

ANSWER_SECONDS_MAX = 1.2
"""Longest wait for any answer; ended by the client."""

CONNECT_SECONDS_MAX = 2
"""Longest wait for a connection to one host; libpq knows no shorter one."""

_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": CONNECT_SECONDS_MAX,
    "application_name": "ostiary",
    # A host that vanished is noticed although nothing is asked of it.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5_000,
}
_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS_MAX * 1000:.0f} "
    f"-c lock_timeout={LOCK_SECONDS_MAX * 1000:.0f} "
    "-c idle_in_transaction_session_timeout=10s"
)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that hangs up when an answer takes too long."""

    answer_seconds_max: float = ANSWER_SECONDS_MAX

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401 - psycopg's generator types are private
        """Wait for an answer. Raises `psycopg.OperationalError` when it takes too long."""
        limit = self.answer_seconds_max if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:  # noqa: SLF001 - what the documented `wait` raises
            self.pgconn.finish()
            raise errors.ConnectionTimeout(f"no answer within {limit:g} s") from None


class Connector:
    """Opens connections one after the other, first to the host that answered last time."""

    def __init__(self, hosts: list[dict[str, Any]]) -> None:
        """`hosts` are libpq's parameters, one set a host, in the order in which to try them."""
        self._hosts = hosts
        self._preferred = 0
        self._turn = threading.Lock()

    def connect(self, *_sqlalchemy: object) -> DBAPIConnection:
        """Connect; for SQLAlchemy's event `do_connect`. Raises what the last host answered.

        In turn: a server that has just come back is not met by all threads at once.
        """
        if not self._turn.acquire(timeout=CONNECT_SECONDS_MAX):
            raise errors.ConnectionTimeout("others are connecting")
        try:
            return cast("DBAPIConnection", self._connect_to_any())
        finally:
            self._turn.release()

    def _connect_to_any(self) -> BoundedConnection:
        problem: psycopg.Error | None = None
        # Without a preference each new connection would first wait for a host that hangs.
        for number in sorted(range(len(self._hosts)), key=lambda index: index != self._preferred):
            try:
                made = BoundedConnection.connect(**self._hosts[number], autocommit=True)
            except psycopg.OperationalError as error:
                problem = error
            else:
                self._preferred = number
                return made
        assert problem is not None, "a URL names one host at least"  # noqa: S101
        raise problem


def read_hosts(url: str) -> list[dict[str, Any]]:
    """Return libpq's parameters for each host of a URL, with this service's own defaults.

    Raises `ValueError` for what libpq does not read.
    """
    scheme, _, rest = url.partition("://")
    try:
        named: dict[str, Any] = dict(conninfo_to_dict(f"{scheme.partition('+')[0]}://{rest}"))
    except psycopg.Error:
        raise ValueError("libpq does not read this URL") from None
    named["options"] = f"{_OPTIONS} {named.get('options') or ''}".strip()
    parameters = {**_DEFAULTS, **named}
    return [dict(attempt) for attempt in conninfo_attempts(parameters)]


def refuse_closed(
    connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Raise `DisconnectionError` for a connection that the server has closed meanwhile.

    Between transactions a server says nothing but good-bye, so a look at the socket is enough;
    a question to the server would cost each request a round trip.
    """
    raw: Any = connection
    if raw.closed:
        raise DisconnectionError("closed")
    ready = select.poll()
    ready.register(raw.fileno(), select.POLLIN)
    if ready.poll(0):
        raise DisconnectionError("closed by the server")
