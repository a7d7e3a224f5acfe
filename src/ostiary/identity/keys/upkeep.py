"""What has to be done to keys as time passes: rotate, note that they are used, retire.

Every replica does it, every few seconds, from what it knows anyway; only a change opens a
transaction, and of several replicas one makes it.

Next keys are added here too, one at a time, and not while a replica starts: an RSA key takes a
noticeable part of a second, and those who start want to be ready.
"""

from collections.abc import Sequence

import structlog

from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.lifetime import is_due, unused
from ostiary.identity.keys.model import PublishedKey
from ostiary.identity.keys.pool import missing
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.sealing.key_files import StoreKeyError
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix

_QUIET_SECONDS = 4.0
"""How long after its start a replica leaves the making of keys to others."""

_LOG = structlog.get_logger("ostiary.identity.keys")


class KeyUpkeep:
    """Keeps the keys of one replica's snapshot in order."""

    def __init__(
        self, ring: KeyRing, claims: KeyClaims, clock: Clock, *, rotation_days: int
    ) -> None:
        self._ring = ring
        self._claims = claims
        self._clock = clock
        self._rotation_days = rotation_days
        self._started_at = clock.monotonic()

    def run_once(self) -> None:
        """Do what is due. A store that is away, or a missing store key, is logged and no more."""
        try:
            self._run()
        except (StoreUnavailableError, StoreKeyError) as error:
            _LOG.warning("keys not looked after", cause=error.detail or error.message)

    def _run(self) -> None:
        published = self._ring.published()
        now = to_unix(self._clock.now())
        own = self._ring.own_key()
        if own is not None and is_due(own, rotation_days=self._rotation_days, now=now):
            held = self._claims.replace(own.kid)
            if held is None:
                _LOG.info("no next key is old enough to rotate to yet", kid=own.kid)
            else:
                _LOG.info("signing key rotated", kid=own.kid, replaced_by=held.kid)
                self._ring.reload()
        if unused(published, now=now):
            retired = self._claims.retire_unused()
            _LOG.info("unused signing keys retired", count=retired)
            self._ring.reload()
        self._replenish(published, now)

    def _replenish(self, published: Sequence[PublishedKey], now: int) -> None:
        """Publish one next key where one is missing."""
        if self._clock.monotonic() - self._started_at < _QUIET_SECONDS:
            return
        own = self._claims.algorithm
        wanted = (one for one in Algorithm if missing(published, one, own=own, now=now))
        algorithm = next(wanted, None)
        if algorithm is not None and self._claims.replenish(algorithm):
            _LOG.info("next key published", algorithm=algorithm.value)
            self._ring.reload()
