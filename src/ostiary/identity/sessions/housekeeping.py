"""Deleting what has expired, a little at a time, beside the work of a sign-in."""

import threading

from sqlalchemy import Connection

from ostiary.identity.sessions.failures import SignInFailures
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.sessions.throttling import WINDOW_SECONDS
from ostiary.kernel.clock import Clock, to_unix

INTERVAL_SECONDS = 60
"""Shortest time between two rounds of one replica."""


class Housekeeping:
    """Runs a round at most once a minute, in a write transaction that is open anyway."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._next_round = clock.monotonic() + INTERVAL_SECONDS

    def run_if_due(self, connection: Connection) -> None:
        """Delete expired sessions and failures that no longer count, if a round is due."""
        if not self._is_due():
            return
        now = to_unix(self._clock.now())
        Sessions().purge(connection, now=now)
        SignInFailures().purge(connection, before=now - WINDOW_SECONDS)

    def _is_due(self) -> bool:
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next_round:
                return False
            self._next_round = now + INTERVAL_SECONDS
            return True
