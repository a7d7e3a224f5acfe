"""A replica's own copy of the published keys, at most five seconds old while the store answers.

While the store is away the last copy goes on serving, so that tokens that were good stay good.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from joserfc.errors import JoseError

from ostiary.identity.keys.algorithms import Algorithm, AlgorithmKey, import_key
from ostiary.identity.keys.model import PublishedKey
from ostiary.identity.keys.pool import CACHE_SECONDS_MAX
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock

_KNOWN = frozenset(Algorithm)
_REFETCH_SECONDS_MIN = 1.0
_LOG = structlog.get_logger("ostiary.identity.keys")


@dataclass(frozen=True, slots=True)
class KeyCopy:
    """One state of the published keys; replaced as a whole, never changed."""

    published: Sequence[PublishedKey]
    by_kid: Mapping[str, AlgorithmKey]
    jwks: bytes
    loaded_at: float

    def find(self, kid: str | None) -> PublishedKey | None:
        """Return the published key of that id; None where there is none."""
        return next((key for key in self.published if key.kid == kid), None)


class KeyCopies:
    """Loads copies, the next one before the last one is too old. Thread-safe."""

    def __init__(
        self,
        store: Store,
        keys: SigningKeys,
        clock: Clock,
        *,
        loaded: Callable[[KeyCopy], None],
    ) -> None:
        """Tell `loaded` every new copy, in one thread at a time."""
        self._store = store
        self._keys = keys
        self._clock = clock
        self._loaded = loaded
        self._copy: KeyCopy | None = None
        self._tried_at = float("-inf")
        self._loading = threading.Lock()

    def fresh(self) -> KeyCopy:
        """Return the copy, reloaded when it is too old; the old one while the store is away.

        Raises `StoreUnavailableError` where there was never one.
        """
        copy = self._copy
        if copy is None:
            with self._loading:
                return self._copy or self._load()
        now = self._clock.monotonic()
        # Both conditions: after a failure the next try waits too, or each request would hang.
        if min(now - copy.loaded_at, now - self._tried_at) <= CACHE_SECONDS_MAX:
            return copy
        return self._refreshed(copy)

    def last(self) -> Sequence[PublishedKey]:
        """Return the published keys as they were last seen, without asking the store."""
        return () if self._copy is None else self._copy.published

    def with_key(self, kid: str) -> KeyCopy:
        """Return a copy that has a key of that id, if any has; see the store once a second."""
        copy = self.fresh()
        if kid in copy.by_kid or self._clock.monotonic() - self._tried_at < _REFETCH_SECONDS_MIN:
            return copy
        return self._refreshed(copy)

    def reload(self) -> KeyCopy:
        """Load now. Raises `StoreUnavailableError`."""
        with self._loading:
            return self._load()

    def after(self, change: Callable[[], None]) -> KeyCopy | None:
        """Change something in the store and load, unless another thread is at it: then None.

        Raises `StoreUnavailableError` where either fails.
        """
        if not self._loading.acquire(blocking=False):
            return None
        try:
            change()
            return self._load()
        finally:
            self._loading.release()

    def _refreshed(self, copy: KeyCopy) -> KeyCopy:
        """Reload in one thread; the others go on with the copy they have."""
        if not self._loading.acquire(blocking=False):
            return copy
        try:
            return self._load()
        except StoreUnavailableError as error:
            _LOG.warning("published keys not reloaded", cause=error.detail)
            return copy
        finally:
            self._loading.release()

    def _load(self) -> KeyCopy:
        self._tried_at = self._clock.monotonic()
        with self._store.read() as connection:
            published = self._keys.list_published(connection)
        copy = KeyCopy(
            published=published,
            by_kid=_importable(published),
            jwks=json.dumps({"keys": [dict(key.public_jwk) for key in published]}).encode(),
            loaded_at=self._tried_at,
        )
        self._copy = copy
        self._loaded(copy)
        return copy


def _importable(published: Sequence[PublishedKey]) -> dict[str, AlgorithmKey]:
    """Return the keys that this release can verify with; a newer one may publish others."""
    found = {}
    for key in published:
        if key.algorithm not in _KNOWN:
            continue
        try:
            found[key.kid] = import_key(key.algorithm, key.public_jwk)
        except (JoseError, ValueError, TypeError, KeyError):
            _LOG.exception("published key unusable", kid=key.kid)
    return found
