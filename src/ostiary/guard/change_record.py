"""One change as the journal knows it, and its orders as they are journalled."""

from dataclasses import dataclass, field
from typing import Any

from ostiary.changes.events import Approved, Command
from ostiary.changes.kinds import Kind
from ostiary.kernel.journal import Entry


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One change as journalled.

    `request` is what was proposed, `difference` what it would change, `state` the controller's
    latest state in words (stage, share), `result` the settled result (see the command-line
    contract), None while it runs. `decided_at` is when a verdict was first journalled. `evidence`
    is its course (see `changes.course`), None where there was none, or an older guard did not keep
    it. `orders` are `{at, operator, command, reason}`, `comments` `{at, operator, text}`. `kinds`
    are the parts of the snapshot that it touches. `proposed_by` is None where an older guard did
    not write it down.
    """

    id: str
    proposed_at: str
    snapshot: str
    from_snapshot: str
    request: dict[str, Any]
    difference: dict[str, Any] | None = None
    from_stage: str = "check"
    kinds: tuple[Kind, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    settled_at: str | None = None
    evidence: dict[str, Any] | None = None
    decided_at: str | None = None
    proposed_by: str | None = None
    orders: tuple[dict[str, Any], ...] = ()
    comments: tuple[dict[str, Any], ...] = ()

    @property
    def approved_by(self) -> str | None:
        """Return who has approved it; None where nobody has, or had to."""
        approvals = (each for each in self.orders if each["command"] == "approve")
        return next((str(each["operator"]) for each in approvals), None)

    @property
    def is_promoted(self) -> bool:
        """Return whether the controller had decided to promote it."""
        return self.state.get("verdict") == "promoted"


def proposed(entry: Entry) -> ChangeRecord:
    """Return the record of a change as it was proposed."""
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


def order_to_json(order: Command | Approved) -> dict[str, Any]:
    """Return an operator's order as it is journalled; an approval names what it was given for."""
    if isinstance(order, Command):
        revoke = {"revoke": True} if order.revoke else {}
        return {"operator": order.operator, "command": order.kind, "reason": order.reason} | revoke
    return {
        "operator": order.operator,
        "command": "approve",
        "reason": order.comment,
        "snapshot": order.snapshot,
    }
