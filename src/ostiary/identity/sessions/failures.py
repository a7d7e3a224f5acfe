"""Failed sign-ins in the store, one row a request, however often the edge asked."""

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    func,
    literal,
    select,
    union_all,
)

from ostiary.identity.sessions.networks import UNKNOWN, Networks
from ostiary.identity.sessions.throttling import (
    DEVICE,
    ELSEWHERE,
    NETWORK,
    NETWORK_RANGE,
    PAIR,
    PAIR_RANGE,
    FailureRecord,
    Limit,
    RecentFailures,
)
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import sessions, sign_in_failures
from ostiary.identity.store.upserts import insert_into

PURGED_ROWS_MAX = 500
"""How many failures one purge deletes at most."""

_SAID_OF_A_GUESS = ("email_key", "network", "network_range", "device")


@dataclass(frozen=True, slots=True)
class Guess:
    """What an attempt to sign in is counted by. `device` is empty for an unknown browser."""

    email_key: str
    networks: Networks = UNKNOWN
    device: str = ""


def newest_of(kind: str, limit: Limit, *of_this_kind: ColumnElement[bool]) -> Select[str, int, int]:
    """Count the newest rows of a kind, never more of them than can make a difference."""
    newest = (
        select(sign_in_failures.c.at)
        .where(
            *of_this_kind,
            sign_in_failures.c.at >= bindparam("since"),
            sign_in_failures.c.request_id != bindparam("request_id"),
        )
        .order_by(sign_in_failures.c.at.desc())
        .limit(limit.counted_max)
        .subquery()
    )
    return select(literal(kind), func.count(), func.max(newest.c.at)).select_from(newest)


def _ranges(kind: str, limit: Limit, *of_this_kind: ColumnElement[bool]) -> Select[str, int, int]:
    """Count the ranges of networks with failures of a kind, those of the newest failures first."""
    newest = (
        select(func.max(sign_in_failures.c.at).label("at"))
        .where(
            *of_this_kind,
            sign_in_failures.c.at >= bindparam("since"),
            sign_in_failures.c.request_id != bindparam("request_id"),
        )
        .group_by(_RANGE)
        .order_by(func.max(sign_in_failures.c.at).desc())
        .limit(limit.counted_max)
        .subquery()
    )
    return select(literal(kind), func.count(), func.max(newest.c.at)).select_from(newest)


# Rows of an older release have none.
_RANGE = func.coalesce(sign_in_failures.c.network_range, "")
_SAME_ADDRESS = sign_in_failures.c.email_key == bindparam("email_key")
_SAME_NETWORK = sign_in_failures.c.network == bindparam("network")
_SAME_RANGE = sign_in_failures.c.network_range == bindparam("network_range")
_SAME_DEVICE = sign_in_failures.c.device == bindparam("device")
_RECENT = union_all(
    _ranges("elsewhere", ELSEWHERE, _SAME_ADDRESS, bindparam("own_range") != _RANGE),
    newest_of("pair", PAIR, _SAME_ADDRESS, _SAME_NETWORK),
    newest_of("pair_range", PAIR_RANGE, _SAME_ADDRESS, _SAME_RANGE),
    newest_of("device", DEVICE, _SAME_ADDRESS, _SAME_DEVICE),
    newest_of("network", NETWORK, _SAME_NETWORK),
    newest_of("network_range", NETWORK_RANGE, _SAME_RANGE),
)
# Built once: building a statement anew for every sign-in costs more than running it.


class SignInFailures:
    """Reads and writes failures on the caller's connection, inside the caller's transaction."""

    def recent(
        self, connection: Connection, guess: Guess, *, since: int, attempt: Attempt
    ) -> RecentFailures:
        """Return the failures from `since` on that have something in common with a guess.

        What an earlier attempt of the same request counted is left out, so that both attempts
        decide on the same record. Rows of an older release have no network and count together as
        one more range; what is not known of the guess has no failures.
        """
        values = {
            "email_key": guess.email_key,
            "network": guess.networks.network or None,
            "network_range": guess.networks.network_range or None,
            "own_range": guess.networks.network_range,
            "device": guess.device or None,
            "since": since,
            "request_id": attempt.request_id,
        }
        rows = connection.execute(_RECENT, values).all()
        return RecentFailures(**{kind: FailureRecord(count, at) for kind, count, at in rows})

    def add(self, connection: Connection, guess: Guess, *, at: int, attempt: Attempt) -> None:
        """Count the failure of a request once.

        A second opinion writes over the first attempt's row: a candidate that counted for a wrong
        address must not give free guesses. A first attempt that comes late counts nothing when
        the second one has signed the person in.
        """
        values = {
            "request_id": attempt.request_id,
            "email_key": guess.email_key,
            "at": at,
            "network": guess.networks.network,
            "network_range": guess.networks.network_range,
            "device": guess.device,
        }
        row = select(*(literal(value) for value in values.values())).where(
            ~exists().where(sessions.c.created_by_request == attempt.request_id)
        )
        offer = insert_into(connection, sign_in_failures).from_select(tuple(values), row)
        if attempt.is_second_opinion:
            offer = offer.on_conflict_do_update(
                index_elements=["request_id"],
                set_={name: offer.excluded[name] for name in _SAID_OF_A_GUESS},
            )
        else:
            offer = offer.on_conflict_do_nothing(index_elements=["request_id"])
        connection.execute(offer)

    def withdraw(self, connection: Connection, attempt: Attempt) -> None:
        """Delete what an earlier attempt of this request counted, since it was no failure."""
        connection.execute(
            delete(sign_in_failures).where(sign_in_failures.c.request_id == attempt.request_id)
        )

    def purge(self, connection: Connection, *, before: int) -> int:
        """Delete failures that are older than `before`, at most 500 of them; return how many.

        Rows that another replica is deleting are passed over, so that nobody waits for them.
        """
        old = (
            select(sign_in_failures.c.request_id)
            .where(sign_in_failures.c.at < before)
            .limit(PURGED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        statement = delete(sign_in_failures).where(sign_in_failures.c.request_id.in_(old))
        return connection.execute(statement).rowcount
