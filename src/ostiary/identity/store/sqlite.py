"""SQLite as a store that many processes share.

The write-ahead log lets readers go on beside the one writer. Every write begins with
`BEGIN IMMEDIATE`, so that two writers queue instead of failing each other, and waits a bounded
time for its turn. SQLite's own waiting sleeps longer and longer and so starves the one that waits
longest: of five processes that wrote without pause one waited 6.1 s. Asking again after a short
random time gave 0.3 s at the same throughput.
"""

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from ostiary.identity.store.commit_watch import CommitWatch
from ostiary.identity.store.failure import Failure
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random

WAIT_SECONDS_MAX = 1.2
"""Longest wait for a lock. Two such waits and a hash fit into what the edge grants an attempt."""

_ASK_AGAIN_SECONDS = 0.002
_LOG_BYTES_MAX = 64 * 1024 * 1024
_SYNCHRONOUS = "ostiary_synchronous"
_REASONS = {
    sqlite3.SQLITE_BUSY: "locked by another process",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "not a database",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# A connection keeps pages in memory and the file open, also when the file is put right meanwhile.
_OPENED_ANEW = _DAMAGED | {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_WAITED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NOT_THE_STORE = sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.InterfaceError


class SqliteBackend:
    """How transactions begin and end on SQLite, and what its errors mean."""

    def __init__(self, url: URL, *, connections_max: int, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self.engine: Engine = create_engine(
            url,
            pool_size=connections_max,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS_MAX,
            # Each connection is left between transactions, never inside one.
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            hide_parameters=True,
            connect_args={"timeout": WAIT_SECONDS_MAX, "check_same_thread": False},
        )
        event.listen(self.engine, "connect", _prepare)
        self._commits = CommitWatch(url.database)

    def begin(self, connection: Connection, *, durable: bool, seconds_max: float | None) -> None:
        """Begin a write; wait for those before it."""
        level = "FULL" if durable else "NORMAL"
        # The setting stays with the connection, so it is sent only when it changes.
        if connection.info.get(_SYNCHRONOUS, "FULL") != level:
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
            connection.info[_SYNCHRONOUS] = level
        raw: Any = connection.connection.dbapi_connection
        deadline = self._clock.monotonic() + (seconds_max or WAIT_SECONDS_MAX)
        raw.execute("PRAGMA busy_timeout=0").close()
        try:
            while True:
                try:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                except DBAPIError as error:
                    if _plain_code(error) != sqlite3.SQLITE_BUSY:
                        raise
                    if self._clock.monotonic() >= deadline:
                        raise
                else:
                    return
                time.sleep(_ASK_AGAIN_SECONDS * (0.25 + self._rng.uniform()))
        finally:
            # What follows may have to wait for a checkpoint, briefly.
            raw.execute(f"PRAGMA busy_timeout={WAIT_SECONDS_MAX * 1000:.0f}").close()

    def end(self, connection: Connection, *, seconds_max: float | None) -> None:
        """Undo nothing: a connection carries no setting of one transaction only."""

    def roll_back(self, connection: Connection) -> None:
        """Undo a write; after some errors, a full disk among them, SQLite has done so itself."""
        raw: Any = connection.connection.dbapi_connection
        if raw is not None and raw.in_transaction:
            raw.execute("ROLLBACK").close()

    def version(self) -> int | None:
        """Return the file's version as one connection sees it that never writes."""
        return self._commits.version()

    def close(self) -> None:
        """Close that connection."""
        self._commits.close()

    def probe(self, connection: Connection) -> None:
        """Read something that is in the file."""
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").close()

    def explain(self, error: DBAPIError) -> Failure | None:
        """Return what an error says about the store; None for an error of the caller."""
        original = error.orig
        if not isinstance(original, sqlite3.Error) or isinstance(original, _NOT_THE_STORE):
            return None
        code = _plain_code(error)
        if code is None:
            return Failure(type(original).__name__)
        reason = _REASONS.get(code, sqlite3.Error.__name__)
        return Failure(
            f"SQLite: {reason} ({getattr(original, 'sqlite_errorname', code)})",
            waited=code in _WAITED,
            damaged=code in _DAMAGED,
            outdated=code in _OPENED_ANEW,
        )


def _plain_code(error: DBAPIError) -> int | None:
    """Return SQLite's error code without what is said beyond it in the upper bytes."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set what a connection keeps."""
    raw: Any = connection
    mode = raw.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        # The change wants the file for itself, so it is asked for only where it is needed.
        raw.execute("PRAGMA journal_mode=WAL").close()
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        # The log is written back every 1,000 pages. After a burst it gives its space back.
        f"journal_size_limit={_LOG_BYTES_MAX}",
    ):
        raw.execute(f"PRAGMA {pragma}").close()
