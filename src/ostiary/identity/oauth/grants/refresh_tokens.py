"""Refresh tokens in the store: the table `refresh_tokens`."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from ostiary.identity.oauth.grants.model import StoredRefreshToken, milliseconds
from ostiary.identity.store.schema import refresh_tokens as tokens

_DELETED_ROWS_MAX = 500

# Made once: building and hashing a statement costs more than SQLite takes to answer it.
_BY_HASH = select(tokens).where(tokens.c.token_hash == bindparam("hash"))
_BY_PARENT = select(tokens).where(tokens.c.parent_hash == bindparam("hash"))


class RefreshTokens:
    """Reads and writes refresh tokens. Times are Unix seconds.

    Writers hold the lock of the family (see `Families.find_locked`).
    """

    def add(
        self, connection: Connection, token: StoredRefreshToken, *, minted_by: str, now: int
    ) -> None:
        """Keep a token."""
        connection.execute(
            insert(tokens).values(
                token_hash=token.token_hash,
                family_id=token.family_id,
                parent_hash=token.parent_hash,
                issued_at=now,
                expires_at=token.expires_at,
                issued_by_request=token.issued_by_request,
                minted_by=minted_by,
            )
        )

    def find(self, connection: Connection, token_hash: str) -> StoredRefreshToken | None:
        """Return a token, used or not, or None when the store knows none of that hash."""
        row = connection.execute(_BY_HASH, {"hash": token_hash}).first()
        return None if row is None else _token(row)

    def list_successors(self, connection: Connection, parent_hash: str) -> list[StoredRefreshToken]:
        """Return the tokens that were issued in place of another one."""
        rows = connection.execute(_BY_PARENT, {"hash": parent_hash})
        return [_token(row) for row in rows]

    def mark_rotated(
        self, connection: Connection, token: StoredRefreshToken, *, request_id: str, now_ms: int
    ) -> None:
        """Note that a token has been used, and take its unused siblings out of use.

        `now_ms` is in Unix milliseconds.
        """
        moment = {"rotated_at": now_ms // 1000, "rotated_ms": now_ms}
        connection.execute(
            update(tokens)
            .where(tokens.c.token_hash == token.token_hash)
            .values(**moment, rotated_by_request=request_id)
        )
        if token.parent_hash is not None:
            connection.execute(
                update(tokens)
                .where(tokens.c.parent_hash == token.parent_hash, tokens.c.rotated_at.is_(None))
                .values(**moment)
            )

    def delete_issued_by(self, connection: Connection, request_id: str) -> None:
        """Delete the token that an attempt issued and nobody ever saw."""
        connection.execute(delete(tokens).where(tokens.c.issued_by_request == request_id))

    def delete_expired(self, connection: Connection, *, before: int) -> None:
        """Forget tokens that expired or were replaced before a moment, at most 500."""
        over = (
            select(tokens.c.token_hash)
            .where(or_(tokens.c.expires_at < before, tokens.c.rotated_at < before))
            .limit(_DELETED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        connection.execute(delete(tokens).where(tokens.c.token_hash.in_(over)))


def _token(row: Row[*tuple[Any, ...]]) -> StoredRefreshToken:
    return StoredRefreshToken(
        token_hash=row.token_hash,
        family_id=row.family_id,
        parent_hash=row.parent_hash,
        issued_by_request=row.issued_by_request,
        expires_at=row.expires_at,
        rotated_ms=milliseconds(row.rotated_ms, row.rotated_at),
    )
