"""One use of the store: a connection from the pool and back into it, whatever happens between."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ostiary.identity.store.availability import Availability
from ostiary.identity.store.backend import Backend
from ostiary.identity.store.errors import StoreDamagedError, StoreUnavailableError
from ostiary.identity.store.failure import Failure
from ostiary.identity.store.proofs import take_ended

_LOG = structlog.get_logger("ostiary.identity.store")


class _Use:
    """One use of a connection, from the pool and back into it."""

    __slots__ = ("_availability", "_backend", "_began", "_connection")
    _locks_rows = False

    def __init__(self, backend: Backend, availability: Availability | None) -> None:
        self._backend = backend
        self._availability = availability
        self._began = 0.0
        self._connection: Connection | None = None

    def __enter__(self) -> Connection:
        if self._availability is not None:
            self._began = self._availability.require()
        try:
            self._connection = connection = self._backend.engine.connect()
            self._begin(connection)
        except (DBAPIError, PoolTimeoutError) as error:
            raise self._given_up(error) from error
        except BaseException:
            self._undo_and_let_go()
            raise
        return connection

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        connection = self._connection
        assert connection is not None, "a context is left after it was entered"  # noqa: S101
        try:
            if error is None:
                self._commit(connection)
        except DBAPIError as failed:
            raise self._given_up(failed) from failed
        else:
            if error is not None:
                self._undo(connection)
                if isinstance(error, DBAPIError | PoolTimeoutError):
                    translated = self._translated(error)
                    if translated is not error:
                        raise translated from error
            elif self._availability is not None:
                self._availability.answered()
        finally:
            self._let_go()

    def _begin(self, connection: Connection) -> None:
        """Do what comes before the caller's statements."""

    def _commit(self, connection: Connection) -> None:
        """Do what comes after the caller's statements."""

    def _undo(self, connection: Connection) -> None:
        """Do what comes after an error instead."""

    def _given_up(self, error: DBAPIError | PoolTimeoutError) -> Exception:
        translated = self._translated(error)
        self._undo_and_let_go()
        return translated

    def _undo_and_let_go(self) -> None:
        if self._connection is not None:
            self._undo(self._connection)
        self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.close()

    def _translated(self, error: DBAPIError | PoolTimeoutError) -> Exception:
        """Return the error to raise; the very same one where it is the caller's."""
        if isinstance(error, PoolTimeoutError):
            failure: Failure | None = Failure("no connection is free", waited=True)
        else:
            failure = self._backend.explain(error)
        if failure is None:
            return error
        if failure.outdated and self._connection is not None:
            self._connection.invalidate()
        # A server that ends a wait for a row is there, and whoever wants another row gets it.
        is_busy = failure.locked and self._locks_rows
        if failure.waited and not is_busy and self._availability is not None:
            self._availability.waited_in_vain(self._began, failure.reason)
            is_busy = not self._availability.is_away
        # The reason is enough: a driver's message can repeat bound values or the URL.
        kind = StoreDamagedError if failure.damaged else StoreUnavailableError
        return kind(failure.reason, is_busy=is_busy)


@dataclass(frozen=True, slots=True)
class Limits:
    """How safe a write has to be, and how long it may wait; None for the usual time."""

    durable: bool
    seconds_max: float | None = None


class Read(_Use):
    """A use without a transaction, for most reads are of one statement only.

    Each statement then sees the newest commit, which is what READ COMMITTED gives too. It waits
    for nobody's rows; where it waits for a lock, a whole table is kept from everybody.
    """

    __slots__ = ()


class Write(_Use):
    """A use that is one transaction."""

    __slots__ = ("_limits", "_tell_ended")
    _locks_rows = True

    def __init__(
        self,
        backend: Backend,
        availability: Availability | None,
        limits: Limits,
        tell_ended: Callable[[list[str]], None],
    ) -> None:
        super().__init__(backend, availability)
        self._limits = limits
        self._tell_ended = tell_ended

    def _begin(self, connection: Connection) -> None:
        limits = self._limits
        self._backend.begin(connection, durable=limits.durable, seconds_max=limits.seconds_max)

    def _commit(self, connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")
        self._tell_ended(take_ended(connection))
        self._backend.end(connection, seconds_max=self._limits.seconds_max)

    def _undo(self, connection: Connection) -> None:
        try:
            if not connection.invalidated:
                take_ended(connection)
                self._backend.roll_back(connection)
                self._backend.end(connection, seconds_max=self._limits.seconds_max)
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is done with
            _LOG.warning("connection given up", cause=type(error).__name__)
            connection.invalidate()
