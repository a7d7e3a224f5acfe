"""Deleting what has expired: a little at a time, but never slower than it is written."""

import structlog
from sqlalchemy import Connection

from ostiary.identity.audit import storage as audit_storage
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.sessions import failures as failures_storage
from ostiary.identity.sessions import storage as sessions_storage
from ostiary.identity.sessions.failures import SignInFailures
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.sessions.throttling import WINDOW_SECONDS
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix

INTERVAL_SECONDS = 60
"""Shortest time between two rounds of one replica, as long as each round deletes all there is."""

ROUNDS_MAX = 20
"""How many rounds `run` makes at most before others get their turn to write."""

_SOON_SECONDS = 1
_DAY_SECONDS = 86_400
_LOG = structlog.get_logger("ostiary.identity.housekeeping")


class Housekeeping:
    """Deletes what is over: sessions, failures, entries of the audit log. For one thread.

    A round deletes a bounded number of rows. Where one was not enough the next follows soon:
    whoever writes rows by guessing must not be faster than what deletes them.
    """

    def __init__(self, store: Store, clock: Clock, *, audit_days: int) -> None:
        self._store = store
        self._clock = clock
        self._audit_seconds = audit_days * _DAY_SECONDS
        self._next_round = clock.monotonic() + INTERVAL_SECONDS

    def run(self) -> None:
        """Make rounds, if one is due, until nothing is left; each in a transaction of its own.

        For a thread apart from requests, so that no sign-in waits for it. A store that is away is
        left alone.
        """
        if not self._is_due():
            return
        try:
            for _ in range(ROUNDS_MAX):
                with self._store.write(durable=False) as connection:
                    is_more_left = self._delete(connection)
                if not is_more_left:
                    return
        except StoreUnavailableError as error:
            _LOG.warning("nothing deleted: store unavailable", cause=error.detail)
            return
        self._come_soon()

    def _delete(self, connection: Connection) -> bool:
        """Make one round; return whether there may be more to delete."""
        now = to_unix(self._clock.now())
        sessions = Sessions().purge(connection, now=now)
        failures = SignInFailures().purge(connection, before=now - WINDOW_SECONDS)
        entries = AuditLog().purge(
            connection, before=now - self._audit_seconds, probes_before=now - _DAY_SECONDS
        )
        return (
            sessions == sessions_storage.PURGED_ROWS_MAX
            or failures == failures_storage.PURGED_ROWS_MAX
            or entries == audit_storage.PURGED_ROWS_MAX
        )

    def _come_soon(self) -> None:
        self._next_round = self._clock.monotonic() + _SOON_SECONDS

    def _is_due(self) -> bool:
        now = self._clock.monotonic()
        if now < self._next_round:
            return False
        self._next_round = now + INTERVAL_SECONDS
        return True
