"""What is to be done with the mails of the outbox: claimed, sent, tried again, given up, forgotten.

Claiming pushes `due_at` into the future, so a sender that dies gives its mail back without a word.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, or_, select, update

from ostiary.identity.mail.model import ClaimedMail
from ostiary.identity.store.schema import mails

LEASE_SECONDS = 120
"""How long a sender may keep a mail; longer than all time-outs of one delivery."""

_FOREIGN_SECONDS = 60
PURGED_ROWS_MAX = 500
"""How many mails one purge deletes at most."""

SHOWN_ROWS_MAX = 100
"""How many mails of an address are told of."""


class Deliveries:
    """Claims and settles mails on the caller's connection and transaction."""

    def has_due(self, connection: Connection, *, snapshot: str, now: int) -> bool:
        """Return whether there is something to send."""
        query = select(mails.c.number).where(_is_due(snapshot, now)).limit(1)
        return connection.execute(query).first() is not None

    def claim(
        self, connection: Connection, *, snapshot: str, claim: str, now: int, most: int
    ) -> list[ClaimedMail]:
        """Take mails for sending; nobody else gets them before the lease is over.

        Mails of other snapshots are left alone for a minute: a bad candidate loses no mail but
        its own, and none is stranded when its snapshot is gone.
        """
        chosen = (
            select(mails.c.number)
            .where(_is_due(snapshot, now))
            .order_by(mails.c.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        # Apart, because PostgreSQL might run a locking subquery more than once.
        numbers = list(connection.execute(chosen).scalars())
        if not numbers:
            return []
        connection.execute(
            update(mails)
            .where(mails.c.number.in_(numbers))
            .values(claim=claim, due_at=now + LEASE_SECONDS, attempts=mails.c.attempts + 1)
        )
        rows = connection.execute(
            select(mails).where(mails.c.number.in_(numbers)).order_by(mails.c.number)
        )
        return [_claimed(row) for row in rows]

    def mark_sent(self, connection: Connection, mail: ClaimedMail, *, now: int) -> None:
        """Note that a server has taken the mail."""
        self._settle(connection, mail, due_at=None, sent_at=now)

    def retry_at(self, connection: Connection, mail: ClaimedMail, *, at: int) -> None:
        """Note that nothing came of it, and when to try again."""
        self._settle(connection, mail, due_at=at)

    def give_up(self, connection: Connection, mail: ClaimedMail, *, now: int) -> bool:
        """Note that the mail will not be sent; return False where the claim was lost."""
        return self._settle(connection, mail, due_at=None, given_up_at=now)

    def purge(self, connection: Connection, *, before: int) -> int:
        """Delete mails that were over before a moment, at most 500 of them; return how many."""
        over = (
            select(mails.c.number)
            .where(or_(mails.c.sent_at < before, mails.c.given_up_at < before))
            .limit(PURGED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        return connection.execute(delete(mails).where(mails.c.number.in_(over))).rowcount

    def of(self, connection: Connection, recipient: str) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return kind and times of the mails to an address, the newest first, at most 100."""
        query = (
            select(mails.c.kind, mails.c.created_at, mails.c.sent_at, mails.c.given_up_at)
            .where(mails.c.recipient == recipient)
            .order_by(mails.c.number.desc())
            .limit(SHOWN_ROWS_MAX)
        )
        return connection.execute(query).all()

    def forget(self, connection: Connection, recipient: str) -> None:
        """Delete the mails to an address that are not sent yet: its account is gone."""
        connection.execute(
            delete(mails).where(mails.c.recipient == recipient, mails.c.due_at.is_not(None))
        )

    def _settle(self, connection: Connection, mail: ClaimedMail, **values: int | None) -> bool:
        # Whoever lost the claim settles nothing: another sender has the mail now.
        result = connection.execute(
            update(mails)
            .where(mails.c.number == mail.number, mails.c.claim == mail.claim)
            .values(claim=None, **values)
        )
        return result.rowcount > 0


def _is_due(snapshot: str, now: int) -> ColumnElement[bool]:
    overdue = mails.c.due_at <= now - _FOREIGN_SECONDS
    return (mails.c.due_at <= now) & or_(mails.c.minted_by == snapshot, overdue)


def _claimed(row: Row[*tuple[Any, ...]]) -> ClaimedMail:
    return ClaimedMail(
        number=row.number,
        operation=row.operation,
        request_id=row.request_id,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        created_at=row.created_at,
        attempts=row.attempts,
        claim=row.claim,
    )
