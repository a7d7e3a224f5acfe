"""How snapshots are told to operators: what each is made of, and what became of it."""

from collections.abc import Iterable
from typing import Any

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.history import History


def report_snapshots(
    snapshots: Iterable[Snapshot], found: History, *, served: str, releases: frozenset[str]
) -> list[dict[str, Any]]:
    """Return all snapshots, the one whose mark is newest first, those without a mark last.

    `releases` are the hashes that are on disk; a snapshot without them cannot be started.
    """
    order = {snapshot: place for place, snapshot in enumerate(found.marks)}
    rows = [
        {
            "snapshot": snapshot.id,
            "is_served": snapshot.id == served,
            "is_good": snapshot.id in order,
            "is_startable": releases.issuperset(snapshot.releases.values()),
            "releases": dict(snapshot.releases),
            "changes": _changes(snapshot.id, found),
        }
        for snapshot in snapshots
    ]
    return sorted(rows, key=lambda row: (-order.get(str(row["snapshot"]), -1), row["snapshot"]))


def _changes(snapshot: str, found: History) -> list[dict[str, Any]]:
    """Return the changes that proposed a snapshot, the newest first, each with how it ended."""
    return [
        {
            "change": change.id,
            "verdict": None if change.result is None else change.result["verdict"],
            "proposed_at": change.proposed_at,
        }
        for change in reversed(found.changes)
        if change.snapshot == snapshot
    ]
