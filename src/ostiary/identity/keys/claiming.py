"""How a snapshot comes to its signing key.

Next keys are published ahead, and a snapshot claims one of its algorithm that has been published
for long enough; see `pool`. All replicas of a snapshot sign with the same key, and no two snapshots
share one, so that `kid` tells which snapshot minted.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from ostiary.identity.audit.model import OPERATOR, SERVICE, Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.ended import ended_with_its_snapshot
from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.lifetime import RETIRE_SECONDS
from ostiary.identity.keys.model import HeldKey, KeyMaterial, KeyRecord
from ostiary.identity.keys.pool import choose_key, claimable_at, missing, missing_at_once
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix


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
        algorithm: Algorithm = Algorithm.ES256,
    ) -> None:
        self.snapshot = snapshot
        self.algorithm = algorithm
        self._store = store
        self._keys = keys
        self._clock = clock
        self._jwks_max_age_seconds = jwks_max_age_seconds
        self._audit = AuditLog()

    def claim(self, *, after: str | None = None) -> HeldKey | None:
        """Return the snapshot's key; None while no next key is old enough.

        `after` is the id of the key that this process has signed with before. Where that one was
        taken away with all that its snapshot had minted, there is none any more for this process.
        """
        with self._store.read() as connection:
            if after is not None and ended_with_its_snapshot(connection, after):
                return None
            held = self._keys.find_held_by(connection, self.snapshot)
            count = self._missing_at_once(connection)
            if held is not None and count == 0:
                return held
        # Made before the transaction, so that no writer waits for one that is slow to make.
        made = [generate_key(self.algorithm) for _ in range(count)]
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            if not self._keys.has_any(connection):
                self._fill(connection, made, genesis=True)
            held = self._keys.find_held_by(connection, self.snapshot) or self._take(connection)
            self._fill(connection, made)
        return held

    def seconds_until_claimable(self) -> Mapping[Algorithm, int]:
        """Return in how many seconds a new snapshot may sign, by each algorithm that keys wait for.

        A snapshot that serves the JWKS with the present `max-age` is meant.
        """
        now = self._now()
        with self._store.read() as connection:
            published = self._keys.list_published(connection)
        max_age = self._jwks_max_age_seconds
        times = {
            one: claimable_at(published, one, jwks_max_age_seconds=max_age, now=now)
            for one in Algorithm
        }
        return {one: at - now for one, at in times.items() if at is not None}

    def replenish(self, algorithm: Algorithm) -> bool:
        """Publish one more next key for an algorithm, and return whether one was missing.

        The key is made before the transaction: nobody waits for that.
        """
        made = generate_key(algorithm)
        with self._store.write() as connection:
            self._keys.exclude_others(connection)
            # Asked now: whoever waited for the lock has published nothing meanwhile.
            now = self._now()
            published = self._keys.list_published(connection)
            wanted = missing(published, algorithm, own=self.algorithm, now=now) > 0
            if wanted:
                self._keys.add(connection, made, now=now, genesis=False)
        return wanted

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
            if ended_with_its_snapshot(connection, kid):
                return None
            fresh = self._take(connection, at_once=at_once)
            self._fill(connection, [])
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
            self._fill(connection, [])
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
        own = self.algorithm
        max_age = self._jwks_max_age_seconds
        chosen = choose_key(published, own, jwks_max_age_seconds=max_age, now=now)
        if chosen is None and at_once:
            waiting = (key for key in published if key.is_next and key.algorithm == own)
            chosen = next(waiting, None)
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

    def _fill(
        self, connection: Connection, made: list[KeyMaterial], *, genesis: bool = False
    ) -> None:
        """Publish what is missing at once: what was made already, and new ones after that."""
        for _ in range(self._missing_at_once(connection)):
            key = made.pop() if made else generate_key(self.algorithm)
            self._keys.add(connection, key, now=self._now(), genesis=genesis)

    def _missing_at_once(self, connection: Connection) -> int:
        published = self._keys.list_published(connection)
        return missing_at_once(published, own=self.algorithm, now=self._now())

    def _now(self) -> int:
        return to_unix(self._clock.now())
