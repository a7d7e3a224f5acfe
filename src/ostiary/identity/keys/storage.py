"""Signing keys in the store: the table `signing_keys`."""

from typing import Any

from sqlalchemy import Connection, Row, Select, exists, insert, select, text, update

from ostiary.identity.keys.model import ALGORITHM, HeldKey, KeyMaterial, PublishedKey
from ostiary.identity.store.schema import signing_keys

_PUBLIC_COLUMNS = (
    signing_keys.c.kid,
    signing_keys.c.algorithm,
    signing_keys.c.public_jwk,
    signing_keys.c.snapshot,
    signing_keys.c.published_at,
    signing_keys.c.genesis,
    signing_keys.c.jwks_max_age_seconds,
)


class SigningKeys:
    """Reads and writes signing keys. Times are Unix seconds."""

    def exclude_others(self, connection: Connection) -> None:
        """Make every other writer of keys wait until this write transaction ends.

        SQLite's write transactions exclude each other anyway. On PostgreSQL readers go on.
        """
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))

    def has_any(self, connection: Connection) -> bool:
        """Return whether the store ever had a key, retired ones included."""
        return bool(connection.execute(select(exists(select(signing_keys.c.kid)))).scalar())

    def list_published(self, connection: Connection) -> list[PublishedKey]:
        """Return all keys that are not retired, claimed and next, oldest first."""
        rows = connection.execute(
            select(*_PUBLIC_COLUMNS)
            .where(signing_keys.c.retired_at.is_(None))
            .order_by(signing_keys.c.published_at, signing_keys.c.kid)
        )
        return [_published(row) for row in rows]

    def find_held_by(self, connection: Connection, snapshot: str) -> HeldKey | None:
        """Return the key that a snapshot has claimed, also a retired one; None before that."""
        row = connection.execute(_held_by(snapshot)).one_or_none()
        if row is None:
            return None
        return HeldKey(
            kid=row.kid,
            public_jwk=row.public_jwk,
            retired=row.retired_at is not None,
            private_jwk=row.private_jwk,
        )

    def add(self, connection: Connection, key: KeyMaterial, *, now: int, genesis: bool) -> None:
        """Publish a next key from `now` on."""
        connection.execute(
            insert(signing_keys).values(
                kid=key.kid,
                snapshot=None,
                algorithm=ALGORITHM,
                private_jwk=dict(key.private_jwk),
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
        """Give a next key to a snapshot. Call it after `exclude_others` only."""
        connection.execute(
            update(signing_keys)
            .where(signing_keys.c.kid == kid, signing_keys.c.snapshot.is_(None))
            .values(snapshot=snapshot, claimed_at=now, jwks_max_age_seconds=jwks_max_age_seconds)
        )

    def retire(self, connection: Connection, snapshot: str, *, now: int) -> bool:
        """Take a snapshot's key out of the JWKS: no replica accepts its tokens any longer.

        Return whether there was such a key.
        """
        result = connection.execute(
            update(signing_keys)
            .where(signing_keys.c.snapshot == snapshot, signing_keys.c.retired_at.is_(None))
            .values(retired_at=now)
        )
        return result.rowcount > 0


def _held_by(snapshot: str) -> Select[*tuple[Any, ...]]:
    return select(
        signing_keys.c.kid,
        signing_keys.c.public_jwk,
        signing_keys.c.private_jwk,
        signing_keys.c.retired_at,
    ).where(signing_keys.c.snapshot == snapshot)


def _published(row: Row[*tuple[Any, ...]]) -> PublishedKey:
    return PublishedKey(
        kid=row.kid,
        algorithm=row.algorithm,
        public_jwk=row.public_jwk,
        snapshot=row.snapshot,
        published_at=row.published_at,
        genesis=row.genesis,
        jwks_max_age_seconds=row.jwks_max_age_seconds,
    )
