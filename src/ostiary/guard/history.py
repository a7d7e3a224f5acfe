"""What the journal says: the last good snapshot, and every change with its end.

All of it is a view of journal entries; a guard that starts anywhere reads it and goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.changes.kinds import Kind
from ostiary.guard.change_record import ChangeRecord
from ostiary.kernel.errors import UsageError
from ostiary.kernel.journal import Entry

GUARD_STARTED = "guard_started"
MARKED_GOOD = "snapshot_marked_good"
MARK_TAKEN = "snapshot_mark_taken"
CHANGE_PROPOSED = "change_proposed"
CHANGE_MOVED = "change_moved"
CHANGE_SETTLED = "change_settled"
CHANGE_EVIDENCE = "change_evidence"
CHANGE_ORDERED = "change_ordered"
CHANGE_COMMENTED = "change_commented"
SHUT_DOWN = "shut_down"
REPLICA_STARTED = "replica_started"
REPLICA_DIED = "replica_died"
REPLICA_STOPPED = "replica_stopped"
REPLICA_REPLACED = "replica_replaced"
ENVOY_RESTARTED = "envoy_restarted"
EDGE_LOPSIDED = "edge_lopsided"
COUNTS_LOST = "counts_lost"
ENVOY_KILLED = "envoy_killed"
SUPERVISION_FAILED = "supervision_failed"
OWN_JOURNEYS_RUN = "own_journeys_run"
ACCOUNTS_CHANGED = "accounts_changed"
REPLICA_READY = "replica_ready"
STORE_MIGRATED = "store_migrated"

_PLACES = {CHANGE_MOVED: "state", CHANGE_EVIDENCE: "evidence"}
"""What of a record each newer entry of a kind replaces."""


@dataclass(frozen=True, slots=True)
class History:
    """The state that the journal's entries add up to.

    `marks` are the snapshots whose good mark stands, the newest last; `replicas_of` says for which
    snapshot the replicas of each were started: an earlier one where only the edge had changed.
    """

    marks: tuple[str, ...] = ()
    replicas_of: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    changes: tuple[ChangeRecord, ...] = ()

    def after(self, entry: Entry) -> "History":
        """Return the history with one more entry; kinds that it does not know change nothing."""
        match entry.kind:
            case kind if kind in (MARKED_GOOD, MARK_TAKEN):
                return self._marked(kind, entry.data)
            case kind if kind == GUARD_STARTED:
                return replace(self, port=int(entry.data["port"]))
            case kind if kind == CHANGE_PROPOSED:
                return replace(self, changes=(*self.changes, _proposed(entry)))
            case kind if kind in _PLACES:
                return self._with(entry, **{_PLACES[kind]: dict(entry.data)})
            case kind if kind == CHANGE_SETTLED:
                return self._with(entry, result=dict(entry.data), settled_at=entry.at)
            case _:
                return self._with_words(entry)

    def _marked(self, kind: str, data: Mapping[str, Any]) -> "History":
        snapshot = str(data["snapshot"])
        others = tuple(mark for mark in self.marks if mark != snapshot)
        if kind == MARK_TAKEN:
            return replace(self, marks=others)
        serving = {**self.replicas_of, snapshot: str(data.get("serving", snapshot))}
        return replace(self, marks=(*others, snapshot), replicas_of=serving)

    def _with_words(self, entry: Entry) -> "History":
        """Return the history with what an operator has ordered or said."""
        record, data = self.find(str(entry.subject)), entry.data
        if record is None or entry.kind not in (CHANGE_ORDERED, CHANGE_COMMENTED):
            return self
        said = {"at": entry.at, "operator": data["operator"]}
        orders, comments = record.orders, record.comments
        if entry.kind == CHANGE_ORDERED:
            orders += ({**said, "command": data["command"], "reason": data["reason"]},)
        text = data.get("text") or (data["reason"] if data.get("command") == "approve" else "")
        if text:
            comments += ({**said, "text": text},)
        return self._with(entry, orders=orders, comments=comments)

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

    @property
    def serving(self) -> str | None:
        """Return the snapshot for which the replicas of the last good one were started."""
        last_good = self.last_good
        return None if last_good is None else self.replicas_of.get(last_good, last_good)

    def get(self, change_id: str) -> ChangeRecord:
        """Return the change with this id; raises `UsageError` where there is none."""
        found = self.find(change_id)
        if found is None:
            raise UsageError(
                "change_unknown",
                f"There is no change {change_id}.",
                hint="`ostiary change list` shows all changes.",
            )
        return found

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
        from_stage=str(data.get("from_stage") or data["request"].get("from_stage") or "check"),
        kinds=tuple(Kind(kind) for kind in data.get("kinds", ()) if kind in set(Kind)),
        proposed_by=data.get("operator"),
    )


def read(entries: Iterable[Entry]) -> History:
    """Return the history that all entries, oldest first, add up to."""
    history = History()
    for entry in entries:
        history = history.after(entry)
    return history
