"""Deleting what has expired, a little at a time, beside the work of a sign-in."""

import threading

from sqlalchemy import Connection

from ostiary.identity.audit.storage import PURGED_ROWS_MAX, AuditLog
from ostiary.identity.sessions.failures import SignInFailures
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.sessions.throttling import WINDOW_SECONDS
from ostiary.kernel.clock import Clock, to_unix

INTERVAL_SECONDS = 60
"""Shortest time between two rounds of one replica."""

_SOON_SECONDS = 1
_DAY_SECONDS = 86_400


class Housekeeping:
    """Runs a round at most once a minute, in a write transaction that is open anyway."""

    def __init__(self, clock: Clock, *, audit_days: int) -> None:
        self._clock = clock
        self._audit_seconds = audit_days * _DAY_SECONDS
        self._lock = threading.Lock()
        self._next_round = clock.monotonic() + INTERVAL_SECONDS

    def run_if_due(self, connection: Connection) -> None:
        """Delete what is over, if a round is due: sessions, failures, entries of the audit log.

        Where more entries are old than one round deletes, the next round follows soon: the log
        must not grow faster than it is cleared.
        """
        if not self._is_due():
            return
        now = to_unix(self._clock.now())
        Sessions().purge(connection, now=now)
        SignInFailures().purge(connection, before=now - WINDOW_SECONDS)
        purged = AuditLog().purge(
            connection, before=now - self._audit_seconds, probes_before=now - _DAY_SECONDS
        )
        if purged == PURGED_ROWS_MAX:
            with self._lock:
                self._next_round = self._clock.monotonic() + _SOON_SECONDS

    def _is_due(self) -> bool:
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next_round:
                return False
            self._next_round = now + INTERVAL_SECONDS
            return True
