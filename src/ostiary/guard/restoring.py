"""Taking back a change that had become good."""

from typing import Any

from ostiary.changes.model import Stage
from ostiary.changes.terms import Terms
from ostiary.guard import history
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.change_starts import ChangeStarts, Plan
from ostiary.guard.differences import Differences
from ostiary.guard.free_text import read_text
from ostiary.guard.operators.model import Operator
from ostiary.guard.parts import GuardParts
from ostiary.kernel.errors import RefusedError


def restore(
    parts: GuardParts,
    starts: ChangeStarts,
    undone: ChangeRecord,
    body: dict[str, Any],
    caller: Operator,
) -> str:
    """Take the good mark of a change's snapshot away, and bring back the one before it.

    Return the id of the change that does so; it needs no approval, since what it goes to was good.
    Raises `RefusedError` where there is no such snapshot.
    """
    reason = read_text(body.get("reason"), "reason")
    starts.require_none_under_way()
    found = parts.history.present()
    earlier = [mark for mark in found.marks if mark != undone.snapshot]
    if found.last_good != undone.snapshot or not earlier:
        raise RefusedError(
            "nothing_to_restore",
            f"The snapshot of change {undone.id} is not the last good one."
            if earlier
            else "There is no earlier snapshot with a good mark.",
            hint="`ostiary change list` shows which change made the last good snapshot.",
        )
    snapshot = parts.snapshots.get(earlier[-1])
    current = parts.snapshots.get(undone.snapshot)
    because = f"rollback of {undone.id}" + (f": {reason}" if reason else "")
    # Taken first: whatever happens from here on, the next guard serves the earlier one.
    taken = {"snapshot": undone.snapshot, "because": because, "operator": caller.name}
    parts.journal.append(history.MARK_TAKEN, undone.snapshot, taken)
    return starts.start(
        snapshot,
        {"restores": undone.id, "reason": because},
        Differences(parts.releases).between(current, snapshot),
        Plan(pacing=parts.pacing, from_stage=Stage.BAKE, terms=Terms(restores=True)),
        operator=caller.name,
    )
