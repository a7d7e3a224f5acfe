"""A disk without room, under the store."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ostiary.drills.injection.effect import not_injectable, wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.scenarios.environment_kinds import DiskFull

_WAIT_SECONDS_MAX: Final = 20.0
_PIECE: Final = 4096
_FULL: Final = sqlite3.SQLITE_FULL


@contextmanager
def disk_full(place: InjectionPlace, _fault: DiskFull) -> Iterator[None]:
    """Fill the disk until the store can write nothing more, and make room again."""
    if place.surroundings.disk is None:
        raise not_injectable("The store of this drill lies on no disk of its own.")
    store = place.surroundings.store(place.system.data)
    ballast = place.surroundings.disk / "ballast"
    try:
        wait_until(
            lambda: _is_full(ballast, store),
            place.clock,
            _WAIT_SECONDS_MAX,
            "the store still finds room",
        )
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _is_full(ballast: Path, store: Path) -> bool:
    """Fill the disk; return whether a write fails for it.

    SQLite writes over what lies in its log already. So that a write needs room, the log is first
    given back, and its place is filled as well.
    """
    with closing(sqlite3.connect(f"file:{store}?mode=rw", uri=True, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            _fill(ballast)
            # The number that stands there already: a write like any other, which changes nothing.
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {int(version)}")
        except sqlite3.OperationalError as problem:
            return problem.sqlite_errorcode & 0xFF == _FULL
    return False


def _fill(ballast: Path) -> None:
    """Append to a file until there is no room left."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        while True:
            os.write(descriptor, bytes(_PIECE))
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)
