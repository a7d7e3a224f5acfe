"""Transactions on SQLite and PostgreSQL with bounded waits.

Whatever keeps the store from answering becomes one error, `StoreUnavailableError`. A store that
let a request wait in vain is given up for a moment (see `availability`), reads and writes apart:
on SQLite a file that somebody else has locked for writing can still be read.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from ostiary.identity.store.availability import Availability
from ostiary.identity.store.backend import Backend
from ostiary.identity.store.errors import StoreDamagedError, StoreUnavailableError
from ostiary.identity.store.reading import Reading, Unchanged
from ostiary.identity.store.sqlite import SqliteBackend
from ostiary.identity.store.transactions import Limits, Read, Write
from ostiary.kernel.clock import Clock, SystemClock
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import Random, SystemRandom

__all__ = ["Store", "StoreDamagedError", "StoreUnavailableError", "open_store"]


class Store:
    """Opens transactions. Thread-safe; one per process."""

    def __init__(self, backend: Backend, *, clock: Clock, rng: Random) -> None:
        self._backend = backend
        self.engine = backend.engine
        self.reading = Availability("read", self._probe_reading, clock=clock, rng=rng)
        self.writing = Availability("write", self._probe_writing, clock=clock, rng=rng)
        self._unchanged = Unchanged(backend.version)
        self._forgetters: list[Callable[[str], None]] = []

    def read(self) -> AbstractContextManager[Connection]:
        """Open a connection for reading only; each statement sees the newest commit.

        Raises `StoreUnavailableError` when the store cannot be reached or waits too long.
        """
        return Read(self._backend, self.reading)

    def for_request(self) -> Reading:
        """Return the reading of one request; nothing is opened unless something has to be asked."""
        return Reading(self.read, self._unchanged)

    def write(
        self, *, durable: bool = True, seconds_max: float | None = None
    ) -> AbstractContextManager[Connection]:
        """Open a transaction that commits when the block ends, and rolls back if it raises.

        `durable=False` is for what may be lost in a power cut: a killed process still loses
        nothing. `seconds_max` is for what may wait longer than a request. Raises
        `StoreUnavailableError` as `read` does.
        """
        self.reading.require()
        limits = Limits(durable, seconds_max)
        return Write(self._backend, self.writing, limits, self._tell_ended)

    def on_ended(self, forget: Callable[[str], None]) -> None:
        """Call `forget` with each id that a committed write noted as ended (see `proofs`)."""
        self._forgetters.append(forget)

    def close(self) -> None:
        """Close all pooled connections."""
        self.reading.close()
        self.writing.close()
        self._backend.close()
        self.engine.dispose()

    def _probe_reading(self) -> None:
        with Read(self._backend, None) as connection:
            self._backend.probe(connection)

    def _probe_writing(self) -> None:
        with Write(self._backend, None, Limits(durable=False), self._tell_ended):
            pass

    def _tell_ended(self, subjects: list[str]) -> None:
        for subject in subjects:
            for forget in self._forgetters:
                forget(subject)


def open_store(
    database_url: str,
    *,
    connections_max: int = 8,
    clock: Clock | None = None,
    rng: Random | None = None,
) -> Store:
    """Return a store for `sqlite:///…` or `postgresql://…`; nothing is connected yet.

    Its errors do not repeat bound values: hashes and addresses stay out of the log.
    Raises `RefusedError` for a URL that names neither. The message does not repeat the URL.
    """
    clock, rng = clock or SystemClock(), rng or SystemRandom()
    backend = _backend(database_url, connections_max, clock, rng)
    return Store(backend, clock=clock, rng=rng)


def _backend(database_url: str, connections_max: int, clock: Clock, rng: Random) -> Backend:
    name = database_url.partition("://")[0].partition("+")[0]
    try:
        if name in {"postgresql", "postgres"}:
            # Imported here: a replica on SQLite starts faster without PostgreSQL's driver.
            from ostiary.identity.store.postgresql import PostgresqlBackend  # noqa: PLC0415

            return PostgresqlBackend(database_url, connections_max=connections_max)
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise _invalid("The database URL cannot be parsed.") from None
    if url.get_backend_name() != "sqlite":
        raise _invalid(
            f"The database URL names `{url.get_backend_name()}`, which is not supported."
        )
    return SqliteBackend(url, connections_max=connections_max, clock=clock, rng=rng)


def _invalid(message: str) -> RefusedError:
    return RefusedError(
        "database_url_invalid",
        message,
        hint="Write sqlite:////absolute/path.db or postgresql://user@host/name.",
    )
