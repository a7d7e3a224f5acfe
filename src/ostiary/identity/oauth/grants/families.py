"""Grant families in the store: the table `grant_families`."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, insert, select, update

from ostiary.identity.oauth.grants.model import Family
from ostiary.identity.store.reading import Reading
from ostiary.identity.store.schema import grant_families as families
from ostiary.identity.store.schema import refresh_tokens, users

_DELETED_ROWS_MAX = 500

# Made once: building and hashing a statement costs more than SQLite takes to answer it.
_BY_ID = select(families).where(families.c.id == bindparam("id"))
_BY_ID_LOCKED = _BY_ID.with_for_update()
_STANDING = (
    select(families.c.revoked_at, users.c.disabled)
    .join(users, users.c.id == families.c.user_id)
    .where(families.c.id == bindparam("id"))
)


class Families:
    """Reads and writes grant families. Times are Unix seconds."""

    def add(self, connection: Connection, family: Family, *, minted_by: str, now: int) -> None:
        """Start a family."""
        connection.execute(
            insert(families).values(
                id=family.id,
                client_id=family.client_id,
                user_id=family.user_id,
                session_hash=family.session_hash,
                scope=family.scope,
                auth_time=family.auth_time,
                created_at=now,
                minted_by=minted_by,
            )
        )

    def find(self, connection: Connection, family_id: str) -> Family | None:
        """Return a family, revoked or not, or None when there is none of that id."""
        row = connection.execute(_BY_ID, {"id": family_id}).first()
        return None if row is None else _family(row)

    def find_locked(self, connection: Connection, family_id: str) -> Family | None:
        """Return a family whose tokens nobody else rotates before this write transaction ends.

        Everything that writes refresh tokens locks their family first, and nothing else.
        """
        row = connection.execute(_BY_ID_LOCKED, {"id": family_id}).first()
        return None if row is None else _family(row)

    def is_standing(self, connection: Connection, family_id: str) -> bool:
        """Return whether tokens of the family are good: not revoked, its user not disabled."""
        row = connection.execute(_STANDING, {"id": family_id}).first()
        return row is not None and row.revoked_at is None and not row.disabled

    def is_standing_for(self, reading: Reading, family_id: str) -> bool:
        """Return the same for a request that only reads."""
        return reading.ask(("family", family_id), lambda each: self.is_standing(each, family_id))

    def revoke(self, connection: Connection, family_id: str, *, because: str, now: int) -> bool:
        """Refuse all tokens of a family from now on; return whether they were good before.

        The first reason stays.
        """
        revoked = connection.execute(
            update(families)
            .where(families.c.id == family_id, families.c.revoked_at.is_(None))
            .values(revoked_at=now, revoked_because=because)
        )
        return revoked.rowcount > 0

    def delete(self, connection: Connection, family_id: str) -> None:
        """Delete a family with its tokens, as if it had never been."""
        connection.execute(delete(families).where(families.c.id == family_id))

    def delete_empty(self, connection: Connection, *, before: int) -> None:
        """Forget families from before a moment that have no refresh token left, at most 500."""
        used = exists(
            select(refresh_tokens.c.token_hash).where(refresh_tokens.c.family_id == families.c.id)
        )
        empty = (
            select(families.c.id)
            .where(families.c.created_at < before, ~used)
            .limit(_DELETED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        connection.execute(delete(families).where(families.c.id.in_(empty)))


def _family(row: Row[*tuple[Any, ...]]) -> Family:
    return Family(
        id=row.id,
        client_id=row.client_id,
        user_id=row.user_id,
        session_hash=row.session_hash,
        scope=row.scope,
        auth_time=row.auth_time,
        is_revoked=row.revoked_at is not None,
    )
