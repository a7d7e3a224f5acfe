"""One revocation of what a snapshot has minted, as the journal knows it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ostiary.kernel.journal import Entry

COUNTS = ("keys", "sessions", "families", "codes", "users")


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRecord:
    """It is owed from `owed_at` on, and done since `done_at`; None where it is not done yet.

    `change` is the change for which it was ordered, `operator` who ordered it; None where it was
    nobody, or no change. `ended` says how many keys, sessions, grant families and codes it took
    back, and how many users must sign in again; None before it is done. It `is_outdated` once its
    snapshot was proposed again, and may have minted anew.
    """

    order: str
    snapshot: str
    because: str
    owed_at: str
    change: str | None = None
    operator: str | None = None
    done_at: str | None = None
    ended: Mapping[str, int] | None = None
    is_outdated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as it is told."""
        counts = self.ended or dict.fromkeys(COUNTS)
        hidden = ("ended", "is_outdated")
        told = {key: value for key, value in asdict(self).items() if key not in hidden}
        return told | dict(counts)


def owed(entry: Entry) -> RevocationRecord:
    """Return what an entry says that a revocation is owed."""
    data = entry.data
    return RevocationRecord(
        order=str(data["order"]),
        snapshot=str(entry.subject),
        because=str(data["because"]),
        owed_at=entry.at,
        change=data.get("change"),
        operator=data.get("operator"),
    )


def with_done(records: Iterable[RevocationRecord], entry: Entry) -> tuple[RevocationRecord, ...]:
    """Return the records after an entry that says that one of them is done."""
    ended = {name: int(entry.data[name]) for name in COUNTS}
    return tuple(
        replace(record, done_at=entry.at, ended=ended)
        if record.order == entry.data["order"]
        else record
        for record in records
    )


def outdated_by(snapshot: str, records: Iterable[RevocationRecord]) -> tuple[RevocationRecord, ...]:
    """Return the records after a snapshot was proposed again."""
    return tuple(
        replace(record, is_outdated=True) if record.snapshot == snapshot else record
        for record in records
    )
