"""A lock on the database that somebody else holds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ostiary.drills.injection.effect import wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.scenarios.environment_kinds import DatabaseLocked

_STORE: Final = "identity.db"
_WAIT_SECONDS_MAX: Final = 10.0


@contextmanager
def database_locked(place: InjectionPlace, fault: DatabaseLocked) -> Iterator[None]:
    """Hold the lock that every write needs.

    Whoever only reads SQLite goes on: its write-ahead log lets readers be.
    """
    del fault
    store = place.system.data / _STORE
    with closing(_connect(store)) as holder:
        wait_until(
            lambda: _has_begun(holder), place.clock, _WAIT_SECONDS_MAX, "the lock is not granted"
        )
        yield


def _connect(store: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{store}?mode=rw", uri=True, timeout=0, isolation_level=None)


def _has_begun(connection: sqlite3.Connection) -> bool:
    """Return whether the lock has been taken just now: others may hold it for a moment."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    return True
