"""The outbox: the table `mails`, written with an effect and emptied by the senders.

A mail that is to be sent has `due_at`; one that is over has none.
"""

from functools import cache

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    delete,
    exists,
    func,
    select,
)

from ostiary.identity.mail.model import Letter
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import mails
from ostiary.identity.store.upserts import Insert, insert_for

HELD_SECONDS = 15
"""How long a new mail waits, so that a second opinion still finds it unsent.

Longer than the edge gives a request in all, with the default time-outs.
"""

A_DAY_MAX = 20
"""How many mails of all kinds one address gets in 24 hours, whoever causes them."""

_NEVER = 2**62
_DAY_SECONDS = 86_400
_KEY = ["operation", "request_id"]
_WRITTEN = (
    "operation",
    "request_id",
    "kind",
    "recipient",
    "subject",
    "body",
    "created_at",
    "due_at",
    "attempts",
    "minted_by",
)


class Outbox:
    """Writes mails on the caller's connection and transaction."""

    def add(
        self,
        connection: Connection,
        letter: Letter,
        *,
        operation: str,
        attempt: Attempt,
        now: int,
        once_in_seconds: int = 0,
    ) -> None:
        """Keep a mail for sending; one request leaves one mail of an operation.

        A second opinion takes the place of what the first attempt wrote, unless that has been
        taken for sending already. With `once_in_seconds`, nothing is kept where the same kind of
        mail was written to the same address by another request within that time. Nor is where the
        address has had all the mail of a day: nobody is to be buried in mail by somebody else.
        """
        values = {
            "operation": operation,
            "request_id": attempt.request_id,
            "kind": letter.kind.value,
            "recipient": letter.recipient,
            "subject": letter.subject,
            "body": letter.body,
            "created_at": now,
            "due_at": now + HELD_SECONDS,
            "minted_by": attempt.minted_by,
            "since": now - once_in_seconds if once_in_seconds else _NEVER,
            "day": now - _DAY_SECONDS,
        }
        name = connection.dialect.name
        connection.execute(_insert(name, replaces=attempt.is_second_opinion), values)

    def withdraw(self, connection: Connection, operation: str, attempt: Attempt) -> None:
        """Delete the mail that an earlier attempt of this request wrote, if it is still here."""
        connection.execute(
            delete(mails)
            .where(mails.c.operation == operation, mails.c.request_id == attempt.request_id)
            .where(mails.c.attempts == 0)
        )


@cache
def _insert(dialect_name: str, *, replaces: bool) -> Insert:
    """Return the statement of `add`; built once, since building costs more than running."""
    of_others = (
        mails.c.recipient == bindparam("recipient", type_=Text),
        mails.c.request_id != bindparam("request_id", type_=Text),
    )
    lately = exists().where(
        *of_others,
        mails.c.kind == bindparam("kind", type_=Text),
        mails.c.created_at >= bindparam("since", type_=BigInteger),
    )
    of_a_day = (
        select(mails.c.number)
        .where(*of_others, mails.c.created_at > bindparam("day", type_=BigInteger))
        .limit(A_DAY_MAX)
        .subquery()
    )
    had = select(func.count()).select_from(of_a_day).scalar_subquery()
    numbers = {"created_at": BigInteger, "due_at": BigInteger}
    row = select(
        *(
            bindparam(name, type_=numbers.get(name, Text))
            if name != "attempts"
            else bindparam("attempts", 0, type_=Integer)
            for name in _WRITTEN
        )
    ).where(~lately, had < A_DAY_MAX)
    offer = insert_for(dialect_name, mails).from_select(_WRITTEN, row)
    if not replaces:
        return offer.on_conflict_do_nothing(index_elements=_KEY)
    values = {name: offer.excluded[name] for name in _WRITTEN}
    return offer.on_conflict_do_update(
        index_elements=_KEY, set_=values, where=mails.c.attempts == 0
    )
