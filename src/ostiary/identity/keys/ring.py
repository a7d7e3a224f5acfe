"""The keys as one replica sees them: what it signs with, publishes and verifies by.

The copy is at most five seconds old while the store answers. While the store is away the last
copy goes on serving, so that tokens that were good stay good.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from ostiary.identity.keys.claiming import CACHE_SECONDS_MAX, KeyClaims
from ostiary.identity.keys.model import ALGORITHM, PublishedKey
from ostiary.identity.keys.signing import Signer, SigningUnavailableError
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock
from ostiary.kernel.outcomes import Outcome

_REFETCH_SECONDS_MIN = 1.0
_CLAIM_SECONDS_MIN = 1.0
_LOG = structlog.get_logger("ostiary.identity.keys")


@dataclass(frozen=True, slots=True)
class _Copy:
    """One state of the published keys; replaced as a whole, never changed."""

    by_kid: Mapping[str, ECKey]
    jwks: bytes
    loaded_at: float


class KeyRing:
    """Published keys and the signer of one replica. Thread-safe."""

    def __init__(
        self,
        store: Store,
        keys: SigningKeys,
        claims: KeyClaims,
        clock: Clock,
        *,
        jwks_max_age_seconds: int,
    ) -> None:
        self._store = store
        self._keys = keys
        self._claims = claims
        self._clock = clock
        self._jwks_max_age_seconds = jwks_max_age_seconds
        self._copy: _Copy | None = None
        self._tried_at = float("-inf")
        self._loading = threading.Lock()
        self._signer: Signer | None = None
        self._signing_problem = Outcome.SIGNING_FAILED
        self._claim_tried_at = float("-inf")
        self._claiming = threading.Lock()

    def start(self) -> None:
        """Claim the snapshot's key where one is old enough, and load what is published.

        Raises `StoreUnavailableError` when the store does not answer.
        """
        self._try_to_claim()
        with self._loading:
            self._load()

    def is_ready(self) -> bool:
        """Return whether this replica can sign.

        Asks the store only while no key is held, at most once a second: a replica that serves
        must not look unhealthy because the store is away.
        """
        if self._signer is None:
            self._claim_or_log()
        return self._signer is not None

    def signer(self) -> Signer:
        """Return what signs for this snapshot. Raises `SigningUnavailableError` without a key."""
        self._fresh()
        if self._signer is None:
            self._claim_or_log()
        signer = self._signer
        if signer is None:
            raise SigningUnavailableError(self._signing_problem, "this snapshot holds no key")
        return signer

    def jwks(self) -> bytes:
        """Return the JWK Set (RFC 7517, section 5) of all published keys, as JSON."""
        return self._fresh().jwks

    def find(self, kid: str) -> ECKey | None:
        """Return the published key of that id, or None when nobody publishes it.

        An unknown id is looked up in the store at most once a second. Raises
        `StoreUnavailableError` when the store is away for so long that a key that this replica
        has never seen could be in use; before that, no such key can have been claimed.
        """
        copy = self._fresh()
        if kid in copy.by_kid:
            return copy.by_kid[kid]
        if self._clock.monotonic() - self._tried_at >= _REFETCH_SECONDS_MIN:
            copy = self._refresh(copy)
        if self._clock.monotonic() - copy.loaded_at > self._jwks_max_age_seconds:
            raise StoreUnavailableError("the published keys could not be loaded")
        return copy.by_kid.get(kid)

    def _fresh(self) -> _Copy:
        """Return the copy, reloaded when it is too old; the old one while the store is away."""
        copy = self._copy
        if copy is None:
            with self._loading:
                return self._copy or self._load()
        now = self._clock.monotonic()
        # Both conditions: after a failure the next try waits too, or each request would hang.
        if min(now - copy.loaded_at, now - self._tried_at) <= CACHE_SECONDS_MAX:
            return copy
        return self._refresh(copy)

    def _refresh(self, copy: _Copy) -> _Copy:
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

    def _load(self) -> _Copy:
        self._tried_at = self._clock.monotonic()
        with self._store.read() as connection:
            published = self._keys.list_published(connection)
        copy = _Copy(
            by_kid=_importable(published),
            jwks=json.dumps({"keys": [dict(key.public_jwk) for key in published]}).encode(),
            loaded_at=self._tried_at,
        )
        self._copy = copy
        signer = self._signer
        if signer is not None and signer.kid not in copy.by_kid:
            _LOG.error("signing key withdrawn", kid=signer.kid)
            self._signer = None
            self._signing_problem = Outcome.KEY_UNKNOWN
        return copy

    def _claim_or_log(self) -> None:
        try:
            self._try_to_claim()
        except StoreUnavailableError as error:
            _LOG.warning("signing key not claimed", cause=error.detail)

    def _try_to_claim(self) -> None:
        """Claim in one thread; the others go on without a key, as they were."""
        if not self._claiming.acquire(blocking=False):
            return
        try:
            now = self._clock.monotonic()
            if self._signer is None and now - self._claim_tried_at >= _CLAIM_SECONDS_MIN:
                self._claim_tried_at = now
                self._claim()
        finally:
            self._claiming.release()

    def _claim(self) -> None:
        held = self._claims.claim()
        if held is None:
            _LOG.info("no signing key is old enough yet")
        elif held.retired:
            self._signing_problem = Outcome.KEY_UNKNOWN
        else:
            try:
                self._signer = Signer(held)
            except SigningUnavailableError as error:
                self._signing_problem = error.outcome
                _LOG.error("signing key unusable", kid=held.kid, cause=error.detail)


def _importable(published: Sequence[PublishedKey]) -> dict[str, ECKey]:
    """Return the keys that this release can verify with; a newer one may publish others."""
    found = {}
    for key in published:
        if key.algorithm != ALGORITHM:
            continue
        try:
            found[key.kid] = ECKey.import_key(
                cast("dict[str, str | list[str]]", dict(key.public_jwk))
            )
        except (JoseError, ValueError, TypeError, KeyError):
            _LOG.exception("published key unusable", kid=key.kid)
    return found
