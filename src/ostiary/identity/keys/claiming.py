"""How a snapshot comes to its signing key.

A client that fetched the JWKS may go on using its copy for `max-age`. A key that signs before all
these copies have expired makes good tokens look forged. Therefore next keys are published ahead,
and a snapshot claims one that has been published for long enough. All replicas of a snapshot sign
with the same key, and no two snapshots share one, so that `kid` tells which snapshot minted.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from ostiary.identity.audit.model import OPERATOR, SERVICE, Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.lifetime import RETIRE_SECONDS
from ostiary.identity.keys.model import HeldKey, KeyRecord, PublishedKey
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix

NEXT_KEYS = 8
"""How many keys wait for the snapshots to come."""

CLOCK_ERROR_SECONDS_MAX = 300
"""A key that was published later than so many seconds from now waits for nobody."""

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
    """Claims the keys of one snapshot and keeps the pool of next keys full.

    Safe under races: of many replicas that want a new key at once, one writes and all get the
    same. Every method raises `StoreUnavailableError` when the store does not answer, and
    `StoreKeyError` when secrets in it do not open.
    """

    def __init__(
        self,
        store: Store,
        keys: SigningKeys,
        clock: Clock,
        *,
        snapshot: str,
        jwks_max_age_seconds: int,
    ) -> None:
        self.snapshot = snapshot
        self._store = store
        self._keys = keys
        self._clock = clock
        self._jwks_max_age_seconds = jwks_max_age_seconds
        self._audit = AuditLog()

    def claim(self) -> HeldKey | None:
        """Return the snapshot's key; None while no next key is old enough."""
        with self._store.read() as connection:
            held = self._keys.find_held_by(connection, self.snapshot)
            if held is not None and self._missing(connection) == 0:
                return held
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            if not self._keys.has_any(connection):
                self._fill(connection, genesis=True)
            held = self._keys.find_held_by(connection, self.snapshot) or self._take(connection)
            self._fill(connection, genesis=False)
        return held

    def replace(self, kid: str, *, at_once: bool = False) -> HeldKey | None:
        """Let the snapshot sign with another key than `kid`, and return the one it signs with.

        That is the present one where another replica was faster. None while no next key is old
        enough; `at_once` takes the oldest one whatever its age.
        """
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            held = self._keys.find_held_by(connection, self.snapshot)
            if held is not None and held.kid != kid:
                return held
            fresh = self._take(connection, at_once=at_once)
            self._fill(connection, genesis=False)
        return fresh

    def revoke(self, kid: str) -> bool:
        """Withdraw a published key of any snapshot; return whether it was published.

        A snapshot that signed with it claims another one.
        """
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            revoked = self._keys.revoke(connection, kid, now=self._now())
            if revoked:
                self._note(connection, Operation.KEY_RETIRED, kid, OPERATOR)
            self._fill(connection, genesis=False)
        return revoked

    def note_use(self, kid: str) -> None:
        """Note that this snapshot signs with a key."""
        with self._store.write() as connection:
            self._keys.note_use(connection, kid, now=self._now())

    def retire_unused(self) -> int:
        """Retire the keys whose tokens have all expired; return how many."""
        now = self._now()
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            return self._keys.retire_unused(connection, before=now - RETIRE_SECONDS, now=now)

    def records(self) -> list[KeyRecord]:
        """Return every key there ever was, the newest first."""
        with self._store.read() as connection:
            return self._keys.list_all(connection)

    def _take(self, connection: Connection, *, at_once: bool = False) -> HeldKey | None:
        now = self._now()
        published = self._keys.list_published(connection)
        chosen = choose_key(published, jwks_max_age_seconds=self._jwks_max_age_seconds, now=now)
        if chosen is None and at_once:
            chosen = next((key for key in published if key.is_next), None)
        if chosen is None:
            return None
        self._keys.claim(
            connection,
            chosen.kid,
            snapshot=self.snapshot,
            jwks_max_age_seconds=self._jwks_max_age_seconds,
            now=now,
        )
        self._note(connection, Operation.KEY_CLAIMED, chosen.kid, SERVICE)
        return self._keys.find_held_by(connection, self.snapshot)

    def _note(self, connection: Connection, operation: Operation, kid: str, actor: str) -> None:
        """Write into the audit log; that happens to a key once, so the key is its own request."""
        attempt = Attempt(kid, is_second_opinion=False, minted_by=self.snapshot)
        self._audit.append(connection, Entry(operation, kid, self._now(), actor=actor), attempt)

    def _fill(self, connection: Connection, *, genesis: bool) -> None:
        for _ in range(self._missing(connection)):
            self._keys.add(connection, generate_key(), now=self._now(), genesis=genesis)

    def _missing(self, connection: Connection) -> int:
        # Where a clock was far ahead, its keys would fill the pool and be old enough in years.
        latest = self._now() + CLOCK_ERROR_SECONDS_MAX
        published = self._keys.list_published(connection)
        waiting = sum(key.is_next and key.published_at <= latest for key in published)
        return max(0, NEXT_KEYS - waiting)

    def _now(self) -> int:
        return to_unix(self._clock.now())
