"""Failed sign-ins in the store, one row a request, however often the edge asked."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, exists, func, literal, select

from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import sessions, sign_in_failures
from ostiary.identity.store.upserts import insert_into

_PURGED_ROWS_MAX = 500
_RECENT = select(func.count(), func.max(sign_in_failures.c.at)).where(
    sign_in_failures.c.email_key == bindparam("email_key"),
    sign_in_failures.c.at >= bindparam("since"),
    sign_in_failures.c.request_id != bindparam("request_id"),
)
# Built once: building a statement anew for every sign-in costs more than running it.


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """Recent failures for one address. `last_at` is in Unix seconds, None where there is none."""

    count: int
    last_at: int | None


class SignInFailures:
    """Reads and writes failures on the caller's connection, inside the caller's transaction."""

    def recent(
        self, connection: Connection, email_key: str, *, since: int, attempt: Attempt
    ) -> FailureRecord:
        """Return the failures for an address from `since` on.

        What an earlier attempt of the same request counted is left out, so that both attempts
        decide on the same record.
        """
        values = {"email_key": email_key, "since": since, "request_id": attempt.request_id}
        count, last_at = connection.execute(_RECENT, values).one()
        return FailureRecord(count=count, last_at=last_at)

    def add(self, connection: Connection, email_key: str, *, at: int, attempt: Attempt) -> None:
        """Count the failure of a request once.

        A second opinion writes over the first attempt's row: a candidate that counted for a wrong
        address must not give free guesses. A first attempt that comes late counts nothing when
        the second one has signed the person in.
        """
        row = select(literal(attempt.request_id), literal(email_key), literal(at)).where(
            ~exists().where(sessions.c.created_by_request == attempt.request_id)
        )
        offer = insert_into(connection, sign_in_failures).from_select(
            ("request_id", "email_key", "at"), row
        )
        if attempt.is_second_opinion:
            offer = offer.on_conflict_do_update(
                index_elements=["request_id"], set_={"email_key": offer.excluded.email_key}
            )
        else:
            offer = offer.on_conflict_do_nothing(index_elements=["request_id"])
        connection.execute(offer)

    def withdraw(self, connection: Connection, attempt: Attempt) -> None:
        """Delete what an earlier attempt of this request counted, since it was no failure."""
        connection.execute(
            delete(sign_in_failures).where(sign_in_failures.c.request_id == attempt.request_id)
        )

    def purge(self, connection: Connection, *, before: int) -> None:
        """Delete failures that are older than `before`, at most 500 of them.

        Rows that another replica is deleting are passed over, so that nobody waits for them.
        """
        old = (
            select(sign_in_failures.c.request_id)
            .where(sign_in_failures.c.at < before)
            .limit(_PURGED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        connection.execute(delete(sign_in_failures).where(sign_in_failures.c.request_id.in_(old)))
