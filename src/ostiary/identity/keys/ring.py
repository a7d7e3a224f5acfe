"""The keys as one replica sees them: what it signs with, publishes and verifies by."""

import threading
from collections.abc import Mapping, Sequence

import structlog

from ostiary.identity.keys.algorithms import AlgorithmKey
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.copies import KeyCopies, KeyCopy
from ostiary.identity.keys.lifetime import may_sign, must_note
from ostiary.identity.keys.model import HeldKey, PublishedKey, current_key
from ostiary.identity.keys.pool import CACHE_SECONDS_MAX, waiting_for
from ostiary.identity.keys.signing import Signer, SigningUnavailableError
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sealing.key_files import StoreKeyError
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome

_CLAIM_SECONDS_MIN = 1.0
_LOG = structlog.get_logger("ostiary.identity.keys")


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
        self._copies = KeyCopies(store, keys, clock, loaded=self._follow)
        self._signer: Signer | None = None
        self._signing_problem = Outcome.SIGNING_FAILED
        self._withdrawn: str | None = None
        self._claim_tried_at = float("-inf")
        self._claiming = threading.Lock()
        self._noted_at = float("-inf")

    def start(self) -> None:
        """Claim a key where one is old enough, and load all; raises `StoreUnavailableError`."""
        self._try_to_claim()
        self._copies.reload()

    def is_ready(self) -> bool:
        """Return whether this replica can sign.

        Asks the store only while no key is held, at most once a second: a replica that serves
        must not look unhealthy because the store is away.
        """
        if self._signer is None:
            self._claim_or_log()
        return self._signer is not None

    def waiting(self) -> Mapping[str, object]:
        """Return why this replica cannot sign yet, as `pool` says; asks nothing of the store."""
        own, now = self._claims.algorithm, to_unix(self._clock.now())
        max_age = self._jwks_max_age_seconds
        return waiting_for(self._copies.last(), own, jwks_max_age_seconds=max_age, now=now)

    def signer(self) -> Signer:
        """Return what signs for this snapshot. Raises `SigningUnavailableError` without a key.

        Also where the key is no longer published, so that nobody would accept what it signs, and
        where no use of it could be noted in the store for so long that it might be retired before
        what it would sign expires; see `lifetime`.
        """
        copy = self._copies.fresh()
        if self._signer is None:
            self._claim_or_log()
        if self._signer is not None:
            # A copy without it may be older than the key; loading a new one may replace the key.
            copy = self._copies.with_key(self._signer.kid)
        signer = self._signer
        if signer is None:
            raise SigningUnavailableError(self._signing_problem, "this snapshot holds no key")
        own = self._noted(copy).find(signer.kid)
        if own is None:
            raise SigningUnavailableError(
                Outcome.KEY_UNKNOWN, "this snapshot's key is no longer published"
            )
        if not may_sign(own, now=to_unix(self._clock.now())):
            raise SigningUnavailableError(
                Outcome.SIGNING_FAILED, "no use of the key could be noted for too long"
            )
        return signer

    def jwks(self) -> bytes:
        """Return the JWK Set (RFC 7517, section 5) of all published keys, as JSON."""
        return self._copies.fresh().jwks

    def find(self, kid: str) -> AlgorithmKey | None:
        """Return the published key of that id, or None when nobody publishes it.

        An unknown id is looked up in the store at most once a second. Raises
        `StoreUnavailableError` when the store is away for so long that a key that this replica
        has never seen could be in use; before that, no such key can have been claimed.
        """
        copy = self._copies.with_key(kid)
        age = self._clock.monotonic() - copy.loaded_at
        if kid not in copy.by_kid and age > self._jwks_max_age_seconds:
            raise StoreUnavailableError("the published keys could not be loaded")
        return copy.by_kid.get(kid)

    def published(self) -> Sequence[PublishedKey]:
        """Return the published keys as this replica knows them, and note its use of its own."""
        return self._noted(self._copies.fresh()).published

    def own_key(self) -> PublishedKey | None:
        """Return the published key that this replica signs with; None while it holds none."""
        return self._copies.fresh().find(None if self._signer is None else self._signer.kid)

    def reload(self) -> None:
        """Read the keys anew, for whoever has changed them. Raises `StoreUnavailableError`."""
        self._copies.reload()
        if self._signer is None:
            self._claim_or_log()

    def _follow(self, copy: KeyCopy) -> None:
        """Sign with what the snapshot holds by now: its key may be replaced or withdrawn."""
        signer = self._signer
        if signer is None:
            return
        current = current_key(copy.published, self._claims.snapshot)
        if current is None:
            _LOG.error("signing key withdrawn", kid=signer.kid)
            self._signer, self._withdrawn = None, signer.kid
            self._signing_problem = Outcome.KEY_UNKNOWN
        elif current.kid != signer.kid:
            held = self._held()
            if held is not None:
                self._sign_with(held)

    def _held(self) -> HeldKey | None:
        try:
            with self._store.read() as connection:
                return self._keys.find_held_by(connection, self._claims.snapshot)
        except StoreKeyError as error:
            # The key before goes on signing: it stays published long enough for that.
            _LOG.error("signing key does not open", cause=error.message)
            return None

    def _noted(self, copy: KeyCopy) -> KeyCopy:
        """Note in the store, about once an hour, that this replica signs with its key."""
        signer, now = self._signer, self._clock.monotonic()
        own = copy.find(None if signer is None else signer.kid)
        if own is None or not must_note(own, now=to_unix(self._clock.now())):
            return copy
        if now - self._noted_at < CACHE_SECONDS_MAX:
            return copy
        self._noted_at = now
        try:
            return self._copies.after(lambda: self._claims.note_use(own.kid)) or copy
        except StoreUnavailableError as error:
            _LOG.warning("use of the signing key not noted", cause=error.detail)
            return copy

    def _claim_or_log(self) -> None:
        try:
            self._try_to_claim()
        except (StoreUnavailableError, StoreKeyError) as error:
            _LOG.warning("signing key not claimed", cause=error.detail or error.message)

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
        held = self._claims.claim(after=self._withdrawn)
        if held is None:
            _LOG.info("no signing key to claim", withdrawn=self._withdrawn)
        else:
            self._sign_with(held)

    def _sign_with(self, held: HeldKey) -> None:
        try:
            self._signer = Signer(held)
        except SigningUnavailableError as error:
            self._signing_problem = error.outcome
            _LOG.error("signing key unusable", kid=held.kid, cause=error.detail)
