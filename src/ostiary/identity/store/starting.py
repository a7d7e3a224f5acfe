"""The store at a replica's start: waiting for it, looking at it, bringing its tables up to date.

A store that is away comes back, so a replica waits for it and needs no second start. One that is
damaged does not: nothing is written to it, and the replica says what to do.
"""

import time

import structlog
from sqlalchemy import Connection

from ostiary.identity.store.engine import Store, StoreDamagedError, StoreUnavailableError
from ostiary.identity.store.migration import migrate
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import Random

_LOG = structlog.get_logger("ostiary.identity.store")
_PAUSE_SECONDS = 0.5
_CHECKED_BYTES_MAX = 512 * 1024 * 1024
_CLOCK_DIFFERENCE_SECONDS_MAX = 30


def prepare(store: Store, clock: Clock, rng: Random, *, wait_seconds_max: float) -> None:
    """Return when the store is reachable, sound and up to date.

    Raises `RefusedError` for a damaged one, and `StoreUnavailableError` for one that has not
    answered within `wait_seconds_max`; both say what was found.
    """
    deadline = clock.monotonic() + wait_seconds_max
    while True:
        try:
            _check(store, clock)
            migrate(store)
        except StoreDamagedError as error:
            raise RefusedError(
                "store_damaged",
                f"The account store {_name(store)} is damaged: {error.detail}.",
                hint="Nothing was written to it. Bring a backup back with `ostiary restore`.",
            ) from None
        except StoreUnavailableError as error:
            if clock.monotonic() >= deadline:
                error.args = (f"The account store {_name(store)} cannot be used: {error.detail}.",)
                error.message, error.hint = error.args[0], "Its address stands in the database URL."
                raise
            _LOG.warning("waiting for the store", cause=error.detail)
            time.sleep(_PAUSE_SECONDS * (0.5 + rng.uniform()))
        else:
            return


def _check(store: Store, clock: Clock) -> None:
    with store.read() as connection:
        if store.engine.dialect.name == "sqlite":
            _require_sound(connection)
        else:
            _compare_clocks(connection, clock)


def _require_sound(connection: Connection) -> None:
    """Read every page of a SQLite file once; raises `StoreDamagedError`."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    if pages * size > _CHECKED_BYTES_MAX:
        return
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StoreDamagedError("SQLite found a page that does not belong where it is")


def _compare_clocks(connection: Connection, clock: Clock) -> None:
    """Say in the log when this machine and the database disagree about the time."""
    theirs = connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one()
    difference = float(theirs) - clock.now().timestamp()
    if abs(difference) > _CLOCK_DIFFERENCE_SECONDS_MAX:
        _LOG.error("clock differs from the database's", seconds=round(difference, 1))


def _name(store: Store) -> str:
    """Return what the store is, without its password."""
    url = store.engine.url
    if store.engine.dialect.name == "sqlite":
        return str(url.database)
    return f"{url.database or ''} on PostgreSQL at {url.query.get('host') or 'the local socket'}"
