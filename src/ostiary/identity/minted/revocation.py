"""Taking back everything that one snapshot has minted, in one transaction.

A snapshot that mints wrongly may have given somebody another person's session. So all goes that it
made, and all that hangs on that: its keys, its sessions, the codes and refresh tokens of both, and
every grant in which it had a part, also where a last good replica did the rest.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Connection, Select, delete, or_, select

from ostiary.identity.audit.model import OPERATOR, Entry, Operation, StoredEntry
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.keys.ended import end_keys_of
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sessions.revocation import SNAPSHOT_REVOKED, Revocation, revoke_grants
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.identity.store.proofs import note_ended
from ostiary.identity.store.schema import (
    authorization_codes,
    grant_families,
    refresh_tokens,
    sessions,
    users,
)
from ostiary.kernel.clock import Clock, to_unix

_SECONDS_MAX = 30.0
"""How long the transaction may wait for others; nobody's request hangs on it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How much was taken back. The guard's own probe accounts are left out.

    `families` are grants with their refresh tokens, `users` those who must sign in again.
    """

    keys: int
    sessions: int
    families: int
    codes: int
    users: int


class MintedRevocation:
    """Takes back what other snapshots than the replica's own have minted."""

    def __init__(self, store: Store, keys: SigningKeys, clock: Clock, *, snapshot: str) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._snapshot = snapshot
        self._audit = AuditLog()

    def revoke(self, snapshot: str, *, order: str, reason: str) -> Ended:
        """Take everything back that a snapshot minted, and return how much that was.

        Asked again with the same `order`, it returns what was done then and does nothing. All or
        nothing happens; the audit entry tells which. Raises `StoreUnavailableError`.
        """
        with self._store.write(seconds_max=_SECONDS_MAX) as connection:
            # This replica forgets what it remembers for times in which the store is away.
            note_ended(connection, snapshot)
            self._keys.exclude_others(connection)
            done = self._audit.find(connection, Operation.SNAPSHOT_REVOKED, order)
            if done is not None:
                return _told(done)
            now = to_unix(self._clock.now())
            keys = end_keys_of(connection, snapshot, now=now)
            ended = _end_grants(connection, snapshot, keys=keys, now=now)
            details = asdict(ended) | {"reason": reason}
            entry = Entry(
                Operation.SNAPSHOT_REVOKED, snapshot, now, actor=OPERATOR, details=details
            )
            attempt = Attempt(order, is_second_opinion=False, minted_by=self._snapshot)
            self._audit.append(connection, entry, attempt)
            return ended


def _told(done: StoredEntry) -> Ended:
    names = ("keys", "sessions", "families", "codes", "users")
    return Ended(**{name: int(done.details.get(name) or 0) for name in names})


def _end_grants(connection: Connection, snapshot: str, *, keys: int, now: int) -> Ended:
    """End sessions, codes and grants; the sessions first, as everybody else who ends both does."""
    probes = _probes(connection)
    # Locked on PostgreSQL, so that nobody can hang a new grant on one before it is gone.
    started = connection.execute(
        select(sessions.c.user_id, sessions.c.expires_at)
        .where(sessions.c.minted_by == snapshot)
        .with_for_update()
    ).all()
    holders = {row.user_id for row in started if row.expires_at > now}
    tainted = _tainted_families(snapshot)
    granted = connection.execute(
        select(grant_families.c.user_id)
        .where(tainted, grant_families.c.revoked_at.is_(None))
        .with_for_update()
    ).all()
    codes = _end_codes(connection, snapshot)
    revoke_grants(connection, tainted, Revocation(now, SNAPSHOT_REVOKED))
    connection.execute(delete(sessions).where(sessions.c.minted_by == snapshot))
    people = (holders | {row.user_id for row in granted}) - probes
    for user in people:
        note_ended(connection, user)
    return Ended(
        keys=keys,
        sessions=sum(row.expires_at > now and row.user_id not in probes for row in started),
        families=sum(row.user_id not in probes for row in granted),
        codes=sum(user not in probes for user in codes),
        users=len(people),
    )


def _probes(connection: Connection) -> frozenset[str]:
    return frozenset(
        connection.execute(select(users.c.id).where(users.c.probe.is_(True))).scalars()
    )


def _end_codes(connection: Connection, snapshot: str) -> Iterable[str]:
    """Delete the codes that nobody has redeemed; return whose they were."""
    unused = or_(
        authorization_codes.c.minted_by == snapshot,
        authorization_codes.c.session_hash.in_(_hashes(snapshot)),
    ) & authorization_codes.c.consumed_at.is_(None)
    whose = list(connection.execute(select(authorization_codes.c.user_id).where(unused)).scalars())
    connection.execute(delete(authorization_codes).where(unused))
    return whose


def _tainted_families(snapshot: str) -> ColumnElement[bool]:
    """Select the grants in which a snapshot had any part."""
    by_token = select(refresh_tokens.c.family_id).where(refresh_tokens.c.minted_by == snapshot)
    by_code = select(authorization_codes.c.family_id).where(
        authorization_codes.c.minted_by == snapshot, authorization_codes.c.family_id.is_not(None)
    )
    return or_(
        grant_families.c.minted_by == snapshot,
        grant_families.c.session_hash.in_(_hashes(snapshot)),
        grant_families.c.id.in_(by_token),
        grant_families.c.id.in_(by_code),
    )


def _hashes(snapshot: str) -> Select[tuple[str]]:
    return select(sessions.c.session_hash).where(sessions.c.minted_by == snapshot)
