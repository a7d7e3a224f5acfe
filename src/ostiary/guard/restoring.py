"""Taking back a change that had become good."""

from typing import Any

from ostiary.changes.minted import minted_wrong
from ostiary.changes.model import Reason, Stage
from ostiary.changes.service_change import require_changeable_services
from ostiary.changes.terms import Terms
from ostiary.guard import history
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.change_starts import ChangeStarts, Plan
from ostiary.guard.differences import Differences
from ostiary.guard.free_text import read_text
from ostiary.guard.operators.model import Operator
from ostiary.guard.orders import reads_revoke
from ostiary.guard.parts import GuardParts
from ostiary.kernel.errors import RefusedError


def wrongly_minted(undone: ChangeRecord) -> str | None:
    """Return what a change's record says against what it minted, None where it says nothing."""
    told = () if undone.result is None else undone.result["reasons"]
    reasons = (Reason(one["code"], one["text"], one.get("numbers") or {}) for one in told)
    found = minted_wrong(reasons)
    return None if found is None else found.text


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
    snapshot = parts.snapshots.get(_earlier(parts, undone))
    current = parts.snapshots.get(undone.snapshot)
    require_changeable_services(snapshot, current)
    revocation = _revocation(parts, undone, body)
    because = f"rollback of {undone.id}" + (f": {reason}" if reason else "")
    # Taken first: whatever happens from here on, the next guard serves the earlier one.
    taken = {"snapshot": undone.snapshot, "because": because, "operator": caller.name}
    parts.journal.append(history.MARK_TAKEN, undone.snapshot, taken)
    if revocation is not None:
        parts.revocations.owe(
            undone.snapshot, revocation or because, change=undone.id, operator=caller.name
        )
    return starts.start(
        snapshot,
        {"restores": undone.id, "reason": because},
        Differences(parts.releases).between(current, snapshot),
        Plan(pacing=parts.pacing, from_stage=Stage.BAKE, terms=Terms(restores=True)),
        operator=caller.name,
    )


def _earlier(parts: GuardParts, undone: ChangeRecord) -> str:
    """Return the newest good snapshot besides the one that is taken back.

    What serves counts: where an earlier try has failed, the mark is gone and it serves still.
    """
    earlier = [mark for mark in parts.history.present().marks if mark != undone.snapshot]
    if parts.plane.last_good != undone.snapshot or not earlier:
        raise RefusedError(
            "nothing_to_restore",
            f"The snapshot of change {undone.id} is not the last good one."
            if earlier
            else "There is no earlier snapshot with a good mark.",
            hint="`ostiary change list` shows which change made the last good snapshot.",
        )
    return earlier[-1]


def _revocation(parts: GuardParts, undone: ChangeRecord, body: dict[str, Any]) -> str | None:
    """Return why what was minted is to be taken back, empty for an order, None where it is not.

    Where identity's replicas were kept, they mint for the snapshot before, as they did.
    """
    is_ordered, serving = reads_revoke(body), parts.plane.serving
    if serving == undone.snapshot:
        return wrongly_minted(undone) or ("" if is_ordered else None)
    if is_ordered:
        raise RefusedError(
            "nothing_to_revoke",
            f"Change {undone.id} left identity's replicas alone; {serving} mints as before.",
            hint="Roll it back without --revoke.",
        )
    return None
