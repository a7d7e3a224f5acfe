"""What the journal says: the last good snapshot, and every change with its end.

All of it is a view of journal entries; a guard that starts anywhere reads it and goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.kernel.journal import Entry

GUARD_STARTED = "guard_started"
MARKED_GOOD = "snapshot_marked_good"
MARK_TAKEN = "snapshot_mark_taken"
CHANGE_PROPOSED = "change_proposed"
CHANGE_MOVED = "change_moved"
CHANGE_SETTLED = "change_settled"
REPLICA_STARTED = "replica_started"
REPLICA_DIED = "replica_died"
REPLICA_STOPPED = "replica_stopped"
REPLICA_REPLACED = "replica_replaced"
ENVOY_RESTARTED = "envoy_restarted"
COUNTS_LOST = "counts_lost"
ENVOY_KILLED = "envoy_killed"
SUPERVISION_FAILED = "supervision_failed"
ACCOUNTS_CHANGED = "accounts_changed"


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change as journalled.

    `request` is what was proposed, `difference` what it would change, `state` the controller's
    latest state in words (stage, share), `result` the settled result (see the command-line
    contract), None while it runs.
    """

    id: str
    proposed_at: str
    snapshot: str
    from_snapshot: str
    request: dict[str, Any]
    difference: dict[str, Any] | None = None
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

    `marks` are the snapshots whose good mark stands, the newest last.
    """

    marks: tuple[str, ...] = ()
    port: int | None = None
    changes: tuple[ChangeRecord, ...] = ()

    def after(self, entry: Entry) -> "History":
        """Return the history with one more entry; kinds that it does not know change nothing."""
        match entry.kind:
            case kind if kind in (MARKED_GOOD, MARK_TAKEN):
                snapshot = str(entry.data["snapshot"])
                others = tuple(mark for mark in self.marks if mark != snapshot)
                return replace(self, marks=(*others, snapshot) if kind == MARKED_GOOD else others)
            case kind if kind == GUARD_STARTED:
                return replace(self, port=int(entry.data["port"]))
            case kind if kind == CHANGE_PROPOSED:
                return replace(self, changes=(*self.changes, _proposed(entry)))
            case kind if kind == CHANGE_MOVED:
                return self._with(entry, state=dict(entry.data))
            case kind if kind == CHANGE_SETTLED:
                return self._with(entry, result=dict(entry.data), settled_at=entry.at)
            case _:
                return self

    def _with(self, entry: Entry, **fields: Any) -> "History":  # noqa: ANN401 - fields of a record
        changes = tuple(
            replace(change, **fields) if change.id == entry.subject else change
            for change in self.changes
        )
        return replace(self, changes=changes)

    @property
    def last_good(self) -> str | None:
        """Return the newest snapshot whose good mark stands; None before the first one."""
        return self.marks[-1] if self.marks else None

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


def _proposed(entry: Entry) -> ChangeRecord:
    data = entry.data
    return ChangeRecord(
        id=str(entry.subject),
        proposed_at=entry.at,
        snapshot=str(data["snapshot"]),
        from_snapshot=str(data["from_snapshot"]),
        request=dict(data["request"]),
        difference=data.get("difference"),
    )


def read(entries: Iterable[Entry]) -> History:
    """Return the history that all entries, oldest first, add up to."""
    history = History()
    for entry in entries:
        history = history.after(entry)
    return history
