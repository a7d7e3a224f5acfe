"""The audit log in the store: the table `audit_entries`.

An entry is written in the transaction of what it tells about, so there is neither an effect
without its entry nor an entry without its effect. It is also the one row that all executions of a
request compete for: whoever writes it first makes the other wait, on PostgreSQL until that
transaction ends, and then a late first attempt learns that the second opinion has answered.
"""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select

from ostiary.identity.audit.model import Entry, Operation, Selection, StoredEntry
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.schema import audit_entries as entries
from ostiary.identity.store.upserts import Insert, insert_for

PURGED_ROWS_MAX = 500
"""How many entries one purge deletes at most."""

_KEY = ["operation", "request_id"]
_REPLACED = ("at", "actor", "subject", "outcome", "client_address", "minted_by", "probe", "details")


class AuditLog:
    """Writes and reads entries on the caller's connection, inside the caller's transaction."""

    def append(self, connection: Connection, entry: Entry, attempt: Attempt) -> bool:
        """Write what a request did; return whether the entry holds.

        One request leaves one entry of an operation. A second opinion takes the place of what the
        first attempt wrote, since only its answer is seen. A first attempt that comes late
        changes nothing and gets False: its effect must not be kept either.
        """
        return self._write(connection, entry, attempt, replaces=attempt.is_second_opinion)

    def amend(self, connection: Connection, entry: Entry, attempt: Attempt) -> None:
        """Write over the entry that this transaction has appended."""
        self._write(connection, entry, attempt, replaces=True)

    def find(
        self, connection: Connection, operation: Operation, request_id: str
    ) -> StoredEntry | None:
        """Return the entry that a request left of an operation; None where it left none."""
        query = select(entries).where(
            entries.c.operation == operation.value, entries.c.request_id == request_id
        )
        row = connection.execute(query).first()
        return None if row is None else _stored(row)

    def list_(self, connection: Connection, wanted: Selection) -> list[StoredEntry]:
        """Return entries, the newest first."""
        query = select(entries).where(entries.c.at >= wanted.since)
        if wanted.subject is not None:
            query = query.where(entries.c.subject == wanted.subject)
        if wanted.before_number is not None:
            query = query.where(entries.c.number < wanted.before_number)
        if not wanted.include_probes:
            query = query.where(entries.c.probe.is_(False))
        query = query.order_by(entries.c.number.desc()).limit(wanted.limit)
        return [_stored(row) for row in connection.execute(query)]

    def purge(self, connection: Connection, *, before: int, probes_before: int) -> int:
        """Delete entries from before a moment, at most 500 of them; return how many.

        Those of the guard's own journeys go earlier. Rows that another replica is deleting are
        passed over, so that nobody waits for them.
        """
        old = or_(
            entries.c.at < before, and_(entries.c.probe.is_(True), entries.c.at < probes_before)
        )
        # The second condition lets the index on time be used.
        chosen = (
            select(entries.c.number)
            .where(old, entries.c.at < max(before, probes_before))
            .limit(PURGED_ROWS_MAX)
            .with_for_update(skip_locked=True)
        )
        return connection.execute(delete(entries).where(entries.c.number.in_(chosen))).rowcount

    def _write(
        self, connection: Connection, entry: Entry, attempt: Attempt, *, replaces: bool
    ) -> bool:
        values = {
            "operation": entry.operation.value,
            "request_id": attempt.request_id,
            "at": entry.at,
            "actor": entry.actor,
            "subject": entry.subject,
            "outcome": entry.outcome,
            "client_address": attempt.client_address,
            "minted_by": attempt.minted_by,
            "probe": entry.probe,
            "details": dict(entry.details),
        }
        statement = _insert(connection.dialect.name, replaces=replaces)
        return connection.execute(statement, values).rowcount > 0


@cache
def _insert(dialect_name: str, *, replaces: bool) -> Insert:
    """Return the statement of `append`; built once, since building costs more than running."""
    offer = insert_for(dialect_name, entries).inline()  # nobody asks for the entry's number
    if not replaces:
        return offer.on_conflict_do_nothing(index_elements=_KEY)
    values = {name: offer.excluded[name] for name in _REPLACED}
    return offer.on_conflict_do_update(index_elements=_KEY, set_=values)


def _stored(row: Row[*tuple[Any, ...]]) -> StoredEntry:
    return StoredEntry(
        number=row.number,
        operation=row.operation,
        subject=row.subject,
        at=row.at,
        actor=row.actor,
        outcome=row.outcome,
        probe=row.probe,
        details=row.details,
        request_id=row.request_id,
        client_address=row.client_address,
        snapshot=row.minted_by,
    )
