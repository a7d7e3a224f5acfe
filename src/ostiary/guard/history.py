"""What the journal says: the last good snapshot, and every change with its end.

All of it is a view of journal entries; a guard that starts anywhere reads it and goes on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.guard.change_record import ChangeRecord, proposed
from ostiary.guard.revocation_record import RevocationRecord, outdated_by, owed, with_done
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
REVOCATION_OWED = "snapshot_revocation_owed"
SNAPSHOT_REVOKED = "snapshot_revoked"
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
    revocations: tuple[RevocationRecord, ...] = ()

    def after(self, entry: Entry) -> "History":
        """Return the history with one more entry; kinds that it does not know change nothing."""
        match entry.kind:
            case kind if kind in (MARKED_GOOD, MARK_TAKEN):
                return self._marked(kind, entry.data)
            case kind if kind == GUARD_STARTED:
                return replace(self, port=int(entry.data["port"]))
            case kind if kind == CHANGE_PROPOSED:
                return self._proposed(proposed(entry))
            case kind if kind in (CHANGE_MOVED, CHANGE_SETTLED, CHANGE_EVIDENCE):
                return self._moved(entry)
            case kind if kind in (REVOCATION_OWED, SNAPSHOT_REVOKED):
                return self._revoked(entry)
            case _:
                return self._with_words(entry)

    def _moved(self, entry: Entry) -> "History":
        """Return the history with a change's new state, its evidence, or its end."""
        if entry.kind == CHANGE_SETTLED:
            return self._with(entry, result=dict(entry.data), settled_at=entry.at)
        if entry.kind == CHANGE_EVIDENCE:
            return self._with(entry, evidence=dict(entry.data))
        before = self.find(str(entry.subject))
        decided = None if before is None else before.decided_at
        if decided is None and entry.data.get("verdict") is not None:
            decided = entry.at
        return self._with(entry, state=dict(entry.data), decided_at=decided)

    def _proposed(self, change: ChangeRecord) -> "History":
        revocations = outdated_by(change.snapshot, self.revocations)
        return replace(self, changes=(*self.changes, change), revocations=revocations)

    def _revoked(self, entry: Entry) -> "History":
        """Return the history with a revocation that is owed, or done by now."""
        if entry.kind == SNAPSHOT_REVOKED:
            return replace(self, revocations=with_done(self.revocations, entry))
        # What was minted wrongly, or leaked, is not to be served again by a rollback.
        found = self._marked(MARK_TAKEN, {"snapshot": entry.subject})
        return replace(found, revocations=(*found.revocations, owed(entry)))

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

    def revocation_of(self, change: ChangeRecord) -> RevocationRecord | None:
        """Return what became of what was minted under a change, or under the one it takes back."""
        ids = (change.id, change.request.get("restores"))
        found = (each for each in reversed(self.revocations) if each.change in ids)
        return next(found, None)

    def revoked_since_start(self, snapshot: str) -> RevocationRecord | None:
        """Return the revocation after which a snapshot was not proposed again; None without one."""
        found = (each for each in self.revocations if each.snapshot == snapshot)
        return next((each for each in found if each.done_at and not each.is_outdated), None)

    @property
    def owed(self) -> tuple[RevocationRecord, ...]:
        """Return the revocations that were ordered and are not done."""
        return tuple(each for each in self.revocations if each.done_at is None)

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
