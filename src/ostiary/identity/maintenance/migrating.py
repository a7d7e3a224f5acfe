"""Running migrations beside replicas that serve: within limits, or not at all.

Whoever writes waits for a migration that holds its lock, on PostgreSQL whoever uses the table. So a
migration holds it for a moment only; one that takes longer is ended with its process, and the
database undoes it.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text

from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.identity.store.migration import is_ready, keep_others_out, load_tools, upgrade
from ostiary.identity.store.revision import HEAD
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import ExitCode, RefusedError

_TRIES = 5
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a migration may wait for each lock, and hold what it has got, in seconds."""

    lock_seconds_max: float
    held_seconds_max: float


@dataclass(frozen=True, slots=True)
class Migrated:
    """The revision that the store is at now, and for how long its migration held locks."""

    revision: str
    held_seconds: float


def migrate_within(store: Store, limits: Limits, clock: Clock) -> Migrated:
    """Run the migrations that are missing; all of them or none.

    Raises `RefusedError` where a lock is not got after a few tries, and `StoreUnavailableError`
    where the store does not answer. Ends the process where locks are held too long.
    """
    load_tools()
    for number in range(_TRIES):
        try:
            return _migrate(store, limits, clock)
        except StoreUnavailableError as error:
            # A server ends the wait for a table early, because others wait behind it.
            if not error.is_busy or number == _TRIES - 1:
                raise (_not_got(error, limits) if _is_lock(error) else error) from None
        time.sleep(_PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def _migrate(store: Store, limits: Limits, clock: Clock) -> Migrated:
    on_server = store.engine.dialect.name == "postgresql"
    # SQLite waits once, for everything; a server's statements are bounded one by one.
    waits = limits.held_seconds_max if on_server else limits.lock_seconds_max
    with _bounded_from_now(limits) as held, store.write(seconds_max=waits) as connection:
        keep_others_out(connection, lock_seconds_max=limits.lock_seconds_max)
        held.start()
        began = clock.monotonic()
        if not is_ready(connection):
            upgrade(connection)
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return Migrated(str(revision), clock.monotonic() - began)


@contextmanager
def _bounded_from_now(limits: Limits) -> Iterator[threading.Timer]:
    """Provide a clock that ends the process when locks were held too long; it is not started."""
    timer = threading.Timer(limits.held_seconds_max, _end_process, [limits.held_seconds_max])
    timer.daemon = True
    try:
        yield timer
    finally:
        timer.cancel()


def _end_process(seconds: float) -> None:
    """End this process, whatever the migration does: nothing else stops all of it."""
    problem = {
        "code": "migration_too_long",
        "message": f"The migration to {HEAD} held its locks for more than {seconds:g} s; it was "
        "ended and undone.",
        "hint": "Make it in several releases, or let the code fill rows little by little.",
        "detail": "",
        "exit_code": int(ExitCode.REFUSED),
    }
    os.write(2, json.dumps(problem).encode() + b"\n")
    os._exit(int(ExitCode.REFUSED))


def _is_lock(error: StoreUnavailableError) -> bool:
    return error.is_busy or "locked" in error.detail


def _not_got(error: StoreUnavailableError, limits: Limits) -> RefusedError:
    return RefusedError(
        "migration_lock",
        f"The lock for the migration to {HEAD} was not got within {limits.lock_seconds_max:g} s "
        f"({error.detail}). Nothing was changed.",
        hint="See who holds a transaction open, and propose the change again.",
    )
