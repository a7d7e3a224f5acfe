"""What operators order of the running change, and what they say about one."""

from typing import Any, Literal, get_args

from ostiary.changes.events import Approved, Command
from ostiary.guard import history
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.conductor import Conductor
from ostiary.guard.free_text import read_text
from ostiary.guard.operators.model import Operator
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.journal import Journal

Kind = Literal["rollback", "promote", "pause", "resume", "approve"]
KINDS: tuple[Kind, ...] = get_args(Kind)

COMMENTS_MAX = 200
"""Comments on one change; each of them is told with it for ever."""


def order(
    conductor: Conductor, change: str, kind: Kind, body: dict[str, Any], caller: Operator
) -> None:
    """Give the running change an order.

    Raises `UsageError` for a text that cannot be, `RefusedError` where the change has ended or
    the order makes no sense now.
    """
    if kind == "approve":
        comment = read_text(body.get("comment"), "comment")
        command: Command | Approved = Approved(
            caller.name, str(body.get("snapshot") or ""), comment
        )
    else:
        reason, revoke = read_text(body.get("reason"), "reason"), reads_revoke(body)
        command = Command(kind, caller.name, reason, revoke=revoke and kind == "rollback")
    running = conductor.brief()
    if running is None or running["change"] != change:
        raise RefusedError(
            "change_settled",
            f"Change {change} has ended; it cannot take the command {kind}.",
            hint="Propose another change to go back to an earlier snapshot.",
        )
    conductor.command(command)


def reads_revoke(body: dict[str, Any]) -> bool:
    """Return whether an order asks to take back what was minted; raises `UsageError` for rubbish.

    Signing people out must not hang on how some other value is read as a yes.
    """
    revoke = body.get("revoke", False)
    if not isinstance(revoke, bool):
        raise UsageError("request_malformed", "`revoke` must be true or false.")
    return revoke


def nothing_to_revoke(change: str) -> RefusedError:
    """Return the refusal to take back what a change of other services has minted."""
    return RefusedError(
        "nothing_to_revoke",
        f"Change {change} touches other services only, which mint nothing.",
        hint="Roll it back without --revoke.",
    )


def comment(journal: Journal, record: ChangeRecord, body: dict[str, Any], caller: Operator) -> None:
    """Put a comment on record, also on a change that has ended. Raises `UsageError`."""
    text = read_text(body.get("text"), "comment")
    if not text:
        raise UsageError("text_missing", "The comment is empty.", hint="Write what you think.")
    if len(record.comments) >= COMMENTS_MAX:
        raise RefusedError(
            "comments_full",
            f"Change {record.id} has {COMMENTS_MAX} comments, which is as many as it takes.",
            hint="Continue where your team talks, and link it from the next change.",
        )
    journal.append(history.CHANGE_COMMENTED, record.id, {"operator": caller.name, "text": text})
