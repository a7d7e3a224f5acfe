"""A lock on the database that somebody else holds."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from ostiary.drills.injection.effect import wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.scenarios.environment_kinds import DatabaseLocked

_WAIT_SECONDS_MAX: Final = 20.0


@contextmanager
def database_locked(place: InjectionPlace, _fault: DatabaseLocked) -> Iterator[None]:
    """Hold the lock that every write needs; whoever only reads goes on."""
    server = place.surroundings.server
    if server is None:
        store = place.surroundings.store(place.system.data)
        with closing(_connect(store)) as file:
            _wait(place, lambda: _holds_file(file))
            yield
    else:
        with server.postgres.connect() as connection:
            _wait(place, lambda: _holds_tables(connection))
            yield
            connection.execute("ROLLBACK")


def _wait(place: InjectionPlace, holds: Callable[[], bool]) -> None:
    wait_until(holds, place.clock, _WAIT_SECONDS_MAX, "the lock is not granted")


def _connect(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{store}?mode=rw", uri=True, timeout=0, isolation_level=None)


def _holds_file(connection: sqlite3.Connection) -> bool:
    """Return whether the lock has been taken just now: others may hold it for a moment."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True


def _holds_tables(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """Return whether all tables have been locked against writes just now, as a migration may."""
    connection.execute("BEGIN")
    try:
        connection.execute("SET LOCAL lock_timeout = '500ms'")
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        tables = sql.SQL(", ").join(sql.Identifier(*map(str, each)) for each in names)
        connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(tables))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        connection.execute("ROLLBACK")
        return False
    return True
