"""What the journal says: the last good snapshot, and every change with its end.

All of it is a view of journal entries; a guard that starts anywhere reads it and goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.kernel.journal import Entry

GUARD_STARTED = "guard_started"
MARKED_GOOD = "snapshot_marked_good"
CHANGE_PROPOSED = "change_proposed"
CHANGE_MOVED = "change_moved"
CHANGE_SETTLED = "change_settled"
REPLICA_STARTED = "replica_started"
REPLICA_DIED = "replica_died"
REPLICA_STOPPED = "replica_stopped"
REPLICA_REPLACED = "replica_replaced"
ENVOY_RESTARTED = "envoy_restarted"
EDGE_LOPSIDED = "edge_lopsided"
COUNTS_LOST = "counts_lost"
ENVOY_KILLED = "envoy_killed"
SUPERVISION_FAILED = "supervision_failed"
ACCOUNTS_CHANGED = "accounts_changed"


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change as journalled.

    `request` is what was proposed, `state` the controller's latest state in words (stage, share),
    `result` the settled result (see the command-line contract), None while it runs.
    """

    id: str
    proposed_at: str
    snapshot: str
    from_snapshot: str
    request: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    settled_at: str | None = None

    @property
    def is_promoted(self) -> bool:
        """Return whether the controller had decided to promote it."""
        return self.state.get("verdict") == "promoted"


@dataclass(frozen=True, slots=True)
class History:
    """The state that the journal's entries add up to.

    `serving` is the snapshot that the last good replicas were started for: an earlier one than
    `last_good` where only the edge has changed since.
    """

    last_good: str | None = None
    serving: str | None = None
    port: int | None = None
    changes: tuple[ChangeRecord, ...] = ()

    def after(self, entry: Entry) -> "History":
        """Return the history with one more entry; kinds that it does not know change nothing."""
        data = entry.data
        if entry.kind == MARKED_GOOD:
            snapshot = str(data["snapshot"])
            return replace(self, last_good=snapshot, serving=str(data.get("serving", snapshot)))
        if entry.kind == GUARD_STARTED:
            return replace(self, port=int(data["port"]))
        if entry.kind == CHANGE_PROPOSED:
            record = ChangeRecord(
                id=str(entry.subject),
                proposed_at=entry.at,
                snapshot=str(data["snapshot"]),
                from_snapshot=str(data["from_snapshot"]),
                request=dict(data["request"]),
            )
            return replace(self, changes=(*self.changes, record))
        if entry.kind == CHANGE_MOVED:
            return self._with(entry, state=dict(data))
        if entry.kind == CHANGE_SETTLED:
            return self._with(entry, result=dict(data), settled_at=entry.at)
        return self

    def _with(self, entry: Entry, **fields: Any) -> "History":  # noqa: ANN401 - fields of a record
        changes = tuple(
            replace(change, **fields) if change.id == entry.subject else change
            for change in self.changes
        )
        return replace(self, changes=changes)

    def find(self, change_id: str) -> ChangeRecord | None:
        """Return the change with this id, or None."""
        return next((change for change in self.changes if change.id == change_id), None)

    @property
    def promoted_unmarked(self) -> ChangeRecord | None:
        """Return the unfinished change whose promotion was decided, but whose mark is missing."""
        return next(
            (
                change
                for change in self.unfinished
                if change.is_promoted and change.snapshot != self.last_good
            ),
            None,
        )

    @property
    def unfinished(self) -> tuple[ChangeRecord, ...]:
        """Return the changes that no entry has settled."""
        return tuple(change for change in self.changes if change.result is None)


def read(entries: Iterable[Entry]) -> History:
    """Return the history that all entries, oldest first, add up to."""
    history = History()
    for entry in entries:
        history = history.after(entry)
    return history
