"""Authorization codes in the store: the table `authorization_codes`."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, literal, select, update

from ostiary.identity.oauth.grants.model import StoredCode, milliseconds
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import authorization_codes as codes
from ostiary.identity.store.schema import sessions
from ostiary.identity.store.upserts import insert_into

_DELETED_ROWS_MAX = 500

# Made once: building and hashing a statement costs more than SQLite takes to answer it.
_BY_HASH = select(codes).where(codes.c.code_hash == bindparam("hash"))
_BY_HASH_LOCKED = _BY_HASH.with_for_update()


class Codes:
    """Reads and writes authorization codes. Times are Unix seconds."""

    def add(self, connection: Connection, code: StoredCode, attempt: Attempt, *, now: int) -> bool:
        """Keep a code and return whether it holds; one request leaves one code.

        It does not hold when its session has ended meanwhile, nor when a second opinion of the
        same request has answered meanwhile. A second opinion takes the place of what the first
        attempt left.
        """
        values = {
            "code_hash": code.code_hash,
            "client_id": code.client_id,
            "user_id": code.user_id,
            "session_hash": code.session_hash,
            "redirect_uri": code.redirect_uri,
            "scope": code.scope,
            "nonce": code.nonce,
            "code_challenge": code.code_challenge,
            "auth_time": code.auth_time,
            "expires_at": code.expires_at,
            "created_by_request": attempt.request_id,
            "minted_by": attempt.minted_by,
        }
        # The row is locked on PostgreSQL, so that a sign-out cannot pass between check and insert.
        while_signed_in = (
            select(*(literal(value, codes.c[name].type) for name, value in values.items()))
            .where(sessions.c.session_hash == code.session_hash)
            .where(sessions.c.expires_at > now)
            .with_for_update(read=True)
        )
        offer = insert_into(connection, codes).from_select(list(values), while_signed_in)
        if attempt.is_second_opinion:
            offer = offer.on_conflict_do_update(
                index_elements=["created_by_request"],
                set_={name: offer.excluded[name] for name in values},
                where=codes.c.consumed_by_request.is_(None),
            )
        else:
            offer = offer.on_conflict_do_nothing(index_elements=["created_by_request"])
        return connection.execute(offer).rowcount > 0

    def find(self, connection: Connection, code_hash: str) -> StoredCode | None:
        """Return a code, used or not, or None when the store knows none of that hash."""
        row = connection.execute(_BY_HASH, {"hash": code_hash}).first()
        return None if row is None else _code(row)

    def find_locked(self, connection: Connection, code_hash: str) -> StoredCode | None:
        """Return a code that nobody else can change before this write transaction ends."""
        row = connection.execute(_BY_HASH_LOCKED, {"hash": code_hash}).first()
        return None if row is None else _code(row)

    def mark_consumed(
        self,
        connection: Connection,
        code_hash: str,
        attempt: Attempt,
        *,
        family_id: str,
        now_ms: int,
    ) -> None:
        """Note which request redeemed the code, when (Unix milliseconds), and for what."""
        connection.execute(
            update(codes)
            .where(codes.c.code_hash == code_hash)
            .values(
                consumed_by_request=attempt.request_id,
                consumed_at=now_ms // 1000,
                consumed_ms=now_ms,
                family_id=family_id,
            )
        )

    def delete_expired(self, connection: Connection, *, before: int) -> None:
        """Forget codes that expired before a moment, at most 500; their reuse goes unnoticed.

        Rows that another replica is deleting are passed over, so that nobody waits for them.
        """
        expired = (
            select(codes.c.code_hash)
            .where(codes.c.expires_at < before)
            .limit(_DELETED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        connection.execute(delete(codes).where(codes.c.code_hash.in_(expired)))


def _code(row: Row[*tuple[Any, ...]]) -> StoredCode:
    return StoredCode(
        code_hash=row.code_hash,
        client_id=row.client_id,
        user_id=row.user_id,
        session_hash=row.session_hash,
        redirect_uri=row.redirect_uri,
        scope=row.scope,
        nonce=row.nonce,
        code_challenge=row.code_challenge,
        auth_time=row.auth_time,
        expires_at=row.expires_at,
        consumed_by_request=row.consumed_by_request,
        consumed_ms=milliseconds(row.consumed_ms, row.consumed_at),
        family_id=row.family_id,
    )
