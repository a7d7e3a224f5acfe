"""Forgetting grants that can no longer matter, a little at a time and beside the requests."""

import threading

import structlog

from ostiary.identity.oauth.grants.codes import Codes
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix

_INTERVAL_SECONDS = 600
_KEPT_SECONDS = 2 * 86_400
"""Twice the longest life of an access token: introspection still finds its family."""
_LOG = structlog.get_logger("ostiary.identity.grants")


class GrantHousekeeping:
    """Deletes what has been over for two days, at most every ten minutes. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._due_at = clock.monotonic() + _INTERVAL_SECONDS
        self._lock = threading.Lock()

    def run_if_due(self) -> None:
        """Delete what is over, when it is time; a store that is away is left alone."""
        with self._lock:
            if self._clock.monotonic() < self._due_at:
                return
            self._due_at = self._clock.monotonic() + _INTERVAL_SECONDS
        before = to_unix(self._clock.now()) - _KEPT_SECONDS
        try:
            with self._store.write(durable=False) as connection:
                Codes().delete_expired(connection, before=before)
                RefreshTokens().delete_expired(connection, before=before)
                Families().delete_empty(connection, before=before)
        except StoreUnavailableError as error:
            _LOG.warning("old grants not deleted", cause=error.detail)
