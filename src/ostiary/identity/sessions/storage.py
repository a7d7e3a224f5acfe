"""Sessions in the store, and the grants that hang on them."""

from functools import cache

from sqlalchemy import (
    BigInteger,
    Connection,
    RowMapping,
    Text,
    bindparam,
    delete,
    select,
    update,
)

from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import ACCOUNT_COLUMNS, account_of
from ostiary.identity.sessions.model import Session
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation, revoke_grants
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.proofs import note_ended
from ostiary.identity.store.schema import authorization_codes, grant_families, sessions, users
from ostiary.identity.store.upserts import Insert, insert_for

_SESSION_COLUMNS = (
    sessions.c.session_hash,
    sessions.c.user_id,
    sessions.c.created_at.label("session_created_at"),
    sessions.c.expires_at,
    sessions.c.minted_by,
)


_INSERTED = (
    "session_hash",
    "user_id",
    "created_at",
    "expires_at",
    "created_by_request",
    "minted_by",
)
PURGED_ROWS_MAX = 500
"""How many sessions one purge deletes at most."""


class Sessions:
    """Reads and writes sessions on the caller's connection, inside the caller's transaction."""

    def find(
        self, connection: Connection, session_hash: str, *, now: int
    ) -> tuple[Session, Account] | None:
        """Return a session and its account; None when it is unknown, expired or disabled.

        The account is read with it on every use, so that disabling a person takes effect on all
        replicas at once.
        """
        values = {"session_hash": session_hash, "now": now}
        row = connection.execute(_FIND, values).mappings().first()
        return None if row is None else (_session_of(row), account_of(row))

    def start(
        self,
        connection: Connection,
        session: Session,
        *,
        password_hash: str,
        attempt: Attempt,
    ) -> bool:
        """Store a new session; return whether it holds.

        It does not hold when the account was disabled or got another password since
        `password_hash` was verified, nor when a second opinion of the same request has answered
        meanwhile. A second opinion takes the place of the session that the first attempt left.
        """
        statement = _start(connection.dialect.name, replaces=attempt.is_second_opinion)
        values = {
            "session_hash": session.session_hash,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "created_by_request": attempt.request_id,
            "minted_by": attempt.minted_by,
            "account": session.user_id,
            "verified": password_hash,
        }
        return connection.execute(statement, values).rowcount > 0

    def hash_left_by(self, connection: Connection, attempt: Attempt) -> str | None:
        """Return the hash of the session that an earlier attempt of this request started."""
        query = select(sessions.c.session_hash).where(
            sessions.c.created_by_request == attempt.request_id
        )
        return connection.execute(query).scalar()

    def succeed(self, connection: Connection, old_hash: str, session: Session) -> None:
        """End the session that this browser had before, in favour of `session`.

        Grants of the same person move to the new session, so that signing out later still ends
        them. Grants of somebody else who used this browser are revoked.
        """
        for table in (authorization_codes, grant_families):
            connection.execute(
                update(table)
                .where(table.c.session_hash == old_hash, table.c.user_id == session.user_id)
                .values(session_hash=session.session_hash)
            )
        revocation = Revocation(at=session.created_at, because=SIGNED_OUT)
        self.end(connection, old_hash, revocation)

    def end(self, connection: Connection, session_hash: str, revocation: Revocation) -> bool:
        """Delete a session, with its unused codes, and revoke its grants; return if it was there.

        Repeating it is harmless.
        """
        note_ended(connection, session_hash)
        ended = connection.execute(delete(sessions).where(sessions.c.session_hash == session_hash))
        connection.execute(
            delete(authorization_codes)
            .where(authorization_codes.c.session_hash == session_hash)
            .where(authorization_codes.c.consumed_at.is_(None))
        )
        revoke_grants(connection, grant_families.c.session_hash == session_hash, revocation)
        return ended.rowcount > 0

    def end_all(self, connection: Connection, user_id: str, revocation: Revocation) -> None:
        """End all sessions of an account and revoke all its grants."""
        note_ended(connection, user_id)
        connection.execute(delete(sessions).where(sessions.c.user_id == user_id))
        connection.execute(
            delete(authorization_codes)
            .where(authorization_codes.c.user_id == user_id)
            .where(authorization_codes.c.consumed_at.is_(None))
        )
        revoke_grants(connection, grant_families.c.user_id == user_id, revocation)

    def purge(self, connection: Connection, *, now: int) -> int:
        """Delete sessions that have expired, at most 500 of them; return how many.

        Rows that another replica is deleting are passed over, so that nobody waits for them.
        """
        expired = (
            select(sessions.c.session_hash)
            .where(sessions.c.expires_at <= now)
            .limit(PURGED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        statement = delete(sessions).where(sessions.c.session_hash.in_(expired))
        return connection.execute(statement).rowcount


_FIND = (
    select(*_SESSION_COLUMNS, *ACCOUNT_COLUMNS)
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.session_hash == bindparam("session_hash"))
    .where(sessions.c.expires_at > bindparam("now"))
    .where(users.c.disabled.is_(False))
)
# Built once, like the next: building a statement anew costs more than running it.


@cache
def _start(dialect_name: str, *, replaces: bool) -> Insert:
    """Return the statement of `Sessions.start`."""
    # The row is locked on PostgreSQL, so that disabling cannot pass between check and insert.
    verified = (
        select(
            bindparam("session_hash", type_=Text),
            users.c.id,
            bindparam("created_at", type_=BigInteger),
            bindparam("expires_at", type_=BigInteger),
            bindparam("created_by_request", type_=Text),
            bindparam("minted_by", type_=Text),
        )
        .where(users.c.id == bindparam("account"))
        .where(users.c.disabled.is_(False))
        .where(users.c.password_hash == bindparam("verified"))
        .with_for_update(read=True)
    )
    offer = insert_for(dialect_name, sessions).from_select(_INSERTED, verified)
    conflict = ["created_by_request"]
    if not replaces:
        return offer.on_conflict_do_nothing(index_elements=conflict)
    values = {name: offer.excluded[name] for name in _INSERTED}
    return offer.on_conflict_do_update(index_elements=conflict, set_=values)


def _session_of(row: RowMapping) -> Session:
    return Session(
        session_hash=row[sessions.c.session_hash],
        user_id=row[sessions.c.user_id],
        created_at=row["session_created_at"],
        expires_at=row[sessions.c.expires_at],
        minted_by=row[sessions.c.minted_by],
    )
