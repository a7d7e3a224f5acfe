"""What earlier changes mean for a proposal: what it mends, and what was refused before."""

from ostiary.changes.memory import lasting
from ostiary.changes.proposal import Proposal
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.terms import Terms, replay_of
from ostiary.edge.intended_refusals import EVERY_REFUSAL
from ostiary.guard import history
from ostiary.kernel.errors import RefusedError, UsageError


def terms_of(proposal: Proposal, found: history.History) -> Terms:
    """Return how the change is judged; raises `UsageError` for a change that never was."""
    replay = None
    if proposal.fixes is not None:
        stopped = found.find(proposal.fixes)
        reasons = None if stopped is None or stopped.result is None else stopped.result["reasons"]
        if stopped is None or reasons is None or stopped.result["verdict"] == "promoted":  # type: ignore[index] # `reasons` would be None
            raise UsageError(
                "fixes_unknown",
                f"There is no change {proposal.fixes} that was stopped.",
                hint="`ostiary change list` shows all changes and how they ended.",
            )
        replay = replay_of(stopped.id, reasons)
    intended = EVERY_REFUSAL if proposal.security else proposal.tightens
    return Terms(intended=intended, replay=replay)


def require_not_refused_before(
    snapshot: Snapshot, proposal: Proposal, found: history.History
) -> None:
    """Raise `RefusedError` for what was tried and found bad, with the reason of that time."""
    if any(each.snapshot == snapshot.id for each in found.owed):
        raise RefusedError(
            "revocation_owed",
            f"What snapshot {snapshot.id} has minted is still to be taken back.",
            hint="`ostiary status` shows why that is not done yet.",
        )
    if proposal.forced or proposal.again:
        return
    for change in reversed(found.changes):
        if change.snapshot != snapshot.id or change.result is None:
            continue
        reasons = lasting(change.result)
        if not reasons:
            return
        raise RefusedError(
            "refused_before",
            f"Snapshot {snapshot.id} was tried as change {change.id} and "
            f"{change.result['verdict'].replace('_', ' ')} in stage {change.result['stage']}: "
            f"{reasons[0]['text']}",
            hint="Propose what has changed since; --again tries the very same once more.",
        )
