"""Signing keys in the store: the table `signing_keys`. Private parts are sealed there."""

import json
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, insert, select, update

from ostiary.identity.keys.model import (
    HeldKey,
    KeyMaterial,
    KeyRecord,
    PublishedKey,
    RetiredBecause,
)
from ostiary.identity.sealing.sealed_columns import PRIVATE_KEYS, exclude_other_sealers
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.schema import signing_keys

_PUBLIC_COLUMNS = [
    signing_keys.c[name]
    for name in (
        *("kid", "algorithm", "public_jwk", "snapshot", "published_at", "genesis"),
        *("jwks_max_age_seconds", "generation", "claimed_at", "last_used_at"),
    )
]
_PUBLISHED = signing_keys.c.retired_at.is_(None)


class SigningKeys:
    """Reads and writes signing keys. Times are Unix seconds."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def exclude_others(self, connection: Connection) -> None:
        """Make every other writer of keys wait until this write transaction ends."""
        exclude_other_sealers(connection, PRIVATE_KEYS)

    def has_any(self, connection: Connection) -> bool:
        """Return whether the store ever had a key, retired ones included."""
        return bool(connection.execute(select(exists(select(signing_keys.c.kid)))).scalar())

    def list_published(self, connection: Connection) -> list[PublishedKey]:
        """Return all keys that are not retired, claimed and next, oldest first."""
        rows = connection.execute(
            select(*_PUBLIC_COLUMNS)
            .where(_PUBLISHED)
            .order_by(signing_keys.c.published_at, signing_keys.c.kid)
        )
        return [PublishedKey(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's name

    def find_held_by(self, connection: Connection, snapshot: str) -> HeldKey | None:
        """Return the key that a snapshot signs with; None where it holds none.

        Raises `StoreKeyError` when its private part does not open.
        """
        row = connection.execute(_held_by(snapshot)).one_or_none()
        if row is None:
            return None
        opened = self._sealer.open(PRIVATE_KEYS.place(row.kid), row.private_jwk_sealed)
        return HeldKey(
            kid=row.kid,
            generation=row.generation,
            public_jwk=row.public_jwk,
            private_jwk=json.loads(opened),
            algorithm=row.algorithm,
        )

    def add(self, connection: Connection, key: KeyMaterial, *, now: int, genesis: bool) -> None:
        """Publish a next key from `now` on. Call it after `exclude_others` only.

        Raises `StoreKeyError` when there is no key to seal it under.
        """
        private = json.dumps(dict(key.private_jwk)).encode()
        connection.execute(
            insert(signing_keys).values(
                kid=key.kid,
                snapshot=None,
                algorithm=key.algorithm.value,
                private_jwk_sealed=self._sealer.seal(PRIVATE_KEYS.place(key.kid), private),
                public_jwk=dict(key.public_jwk),
                published_at=now,
                genesis=genesis,
            )
        )

    def claim(
        self,
        connection: Connection,
        kid: str,
        *,
        snapshot: str,
        jwks_max_age_seconds: int,
        now: int,
    ) -> None:
        """Give a next key to a snapshot, which signs with it from now on.

        Call it after `exclude_others` only. The key that the snapshot had goes on verifying.
        """
        own = signing_keys.c.snapshot == snapshot
        last = connection.execute(select(func.max(signing_keys.c.generation)).where(own)).scalar()
        connection.execute(
            update(signing_keys)
            .where(own, _PUBLISHED, signing_keys.c.replaced_at.is_(None))
            .values(replaced_at=now)
        )
        connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.snapshot.is_(None))
            .values(
                snapshot=snapshot,
                # Unique for a snapshot: even without the lock two replicas could not both rotate.
                generation=(last or 0) + 1,
                claimed_at=now,
                last_used_at=now,
                jwks_max_age_seconds=jwks_max_age_seconds,
            )
        )

    def note_use(self, connection: Connection, kid: str, *, now: int) -> None:
        """Note that somebody signs with a key; a note never goes back in time."""
        connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.last_used_at < now, _PUBLISHED)
            .values(last_used_at=now)
        )

    def revoke(self, connection: Connection, kid: str, *, now: int) -> bool:
        """Take a key out of the JWKS at once: no replica accepts its tokens any longer.

        Its private part is erased. Return whether it was published.
        """
        result = connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, _PUBLISHED)
            .values(_retired(RetiredBecause.REVOKED, now))
        )
        return result.rowcount > 0

    def retire_unused(self, connection: Connection, *, before: int, now: int) -> int:
        """Retire claimed keys that were last used before a time; return how many.

        Their private parts are erased.
        """
        result = connection.execute(
            update(signing_keys)
            .where(signing_keys.c.last_used_at < before, _PUBLISHED)
            .values(_retired(RetiredBecause.UNUSED, now))
        )
        return result.rowcount

    def list_all(self, connection: Connection) -> list[KeyRecord]:
        """Return every key there ever was, the newest first, without private parts."""
        rows = connection.execute(
            select(signing_keys).order_by(signing_keys.c.published_at.desc(), signing_keys.c.kid)
        )
        return [_record(row) for row in rows]


def _retired(because: RetiredBecause, now: int) -> dict[str, Any]:
    return {"retired_at": now, "retired_because": because.value, "private_jwk_sealed": None}


def _held_by(snapshot: str) -> Select[*tuple[Any, ...]]:
    return (
        select(
            signing_keys.c.kid,
            signing_keys.c.algorithm,
            signing_keys.c.generation,
            signing_keys.c.public_jwk,
            signing_keys.c.private_jwk_sealed,
        )
        .where(signing_keys.c.snapshot == snapshot, _PUBLISHED)
        .order_by(signing_keys.c.generation.desc())
        .limit(1)
    )


def _record(row: Row[*tuple[Any, ...]]) -> KeyRecord:
    if row.retired_at is not None:
        state = "retired" if row.retired_because == RetiredBecause.UNUSED else "revoked"
    elif row.snapshot is None:
        state = "next"
    else:
        state = "signing" if row.replaced_at is None else "verifying"
    return KeyRecord(
        kid=row.kid,
        algorithm=row.algorithm,
        snapshot=row.snapshot,
        generation=row.generation,
        state=state,
        published_at=row.published_at,
        claimed_at=row.claimed_at,
        replaced_at=row.replaced_at,
        last_used_at=row.last_used_at,
        retired_at=row.retired_at,
    )
