"""How a snapshot comes to its signing key.

A client that fetched the JWKS may go on using its copy for `max-age`. A key that signs before all
these copies have expired makes good tokens look forged. Therefore next keys are published ahead,
and a snapshot claims one that has been published for long enough. All replicas of a snapshot sign
with the same key, and no two snapshots share one, so that `kid` tells which snapshot minted.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.model import HeldKey, PublishedKey
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix

NEXT_KEYS = 8
"""How many keys wait for the snapshots to come."""

CACHE_SECONDS_MAX = 5
"""How old a replica's own copy of the published keys may be, in seconds."""


def choose_key(
    published: Sequence[PublishedKey], *, jwks_max_age_seconds: int, now: int
) -> PublishedKey | None:
    """Return the next key to claim, or None when none has been published for long enough.

    "Long enough" covers the largest `max-age` that any snapshot has served, and a replica whose
    own copy was as old as it may be when it served that JWKS. Genesis keys were never missing.
    """
    served = [key.jwks_max_age_seconds or 0 for key in published]
    age_min = max([jwks_max_age_seconds, *served]) + CACHE_SECONDS_MAX
    for key in published:
        if key.is_next and (key.genesis or now - key.published_at >= age_min):
            return key
    return None


class KeyClaims:
    """Claims the key of one snapshot and keeps the pool of next keys full."""

    def __init__(
        self,
        store: Store,
        keys: SigningKeys,
        clock: Clock,
        *,
        snapshot: str,
        jwks_max_age_seconds: int,
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._snapshot = snapshot
        self._jwks_max_age_seconds = jwks_max_age_seconds

    def claim(self) -> HeldKey | None:
        """Return the snapshot's key; None while no next key is old enough.

        Safe under races: of many replicas that claim at once, one writes and all get the same
        key. Raises `StoreUnavailableError` when the store does not answer.
        """
        with self._store.read() as connection:
            held = self._keys.find_held_by(connection, self._snapshot)
            if held is not None and self._missing(connection) == 0:
                return held
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            if not self._keys.has_any(connection):
                self._fill(connection, genesis=True)
            held = self._find_or_claim(connection)
            self._fill(connection, genesis=False)
        return held

    def _find_or_claim(self, connection: Connection) -> HeldKey | None:
        held = self._keys.find_held_by(connection, self._snapshot)
        if held is not None:
            return held
        now = to_unix(self._clock.now())
        chosen = choose_key(
            self._keys.list_published(connection),
            jwks_max_age_seconds=self._jwks_max_age_seconds,
            now=now,
        )
        if chosen is None:
            return None
        self._keys.claim(
            connection,
            chosen.kid,
            snapshot=self._snapshot,
            jwks_max_age_seconds=self._jwks_max_age_seconds,
            now=now,
        )
        return self._keys.find_held_by(connection, self._snapshot)

    def _fill(self, connection: Connection, *, genesis: bool) -> None:
        for _ in range(self._missing(connection)):
            self._keys.add(
                connection, generate_key(), now=to_unix(self._clock.now()), genesis=genesis
            )

    def _missing(self, connection: Connection) -> int:
        waiting = sum(key.is_next for key in self._keys.list_published(connection))
        return max(0, NEXT_KEYS - waiting)
