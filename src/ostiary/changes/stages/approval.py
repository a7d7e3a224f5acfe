"""Approve: the change waits, with nothing started, until another operator agrees.

It has one phase, `approving`. Nobody is exposed meanwhile, so a new guard goes on waiting. What is
approved is the snapshot: whatever happens to the files it was made of, it stays what it is.
"""

from dataclasses import replace

from ostiary.changes.errors import CommandRefusedError
from ostiary.changes.events import Approved, Event, Tick
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.stages import preparation, settling
from ostiary.changes.state import ChangeState, Phase, Step, illegal


def begin(state: ChangeState) -> Step:
    """Return the step that begins the wait. Nothing is to be done."""
    since = replace(state.approval, since=state.seen)
    return replace(state, stage=Stage.APPROVE, phase=Phase.APPROVING, approval=since), ()


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    if not isinstance(event, Tick):
        raise illegal(state, event)
    waited = state.seen - (state.approval.since or 0.0)
    if waited < state.approval.expires_seconds:
        return state, ()
    days = state.approval.expires_seconds / 86_400
    reason = Reason(
        "approval_expired",
        f"Nobody approved the change within {days:.3g} days.",
        {"seconds": round(waited, 1)},
    )
    return end(state, Verdict.HELD, reason)


def approve(state: ChangeState, event: Approved) -> Step:
    """Go on with an approved snapshot; raises `CommandRefusedError` where it cannot be given."""
    if state.phase is not Phase.APPROVING:
        by = state.approval.operator
        what = f"was approved by {by} already" if by else f"is {state.phase}"
        raise CommandRefusedError(
            "not_waiting",
            f"Change {state.change} {what}; it does not wait for approval.",
            hint=f"`ostiary change show {state.change}` shows how it stands.",
        )
    if event.operator == state.approval.proposer:
        raise CommandRefusedError(
            "own_change",
            f"{event.operator} has proposed change {state.change}, so another operator has to "
            "approve it.",
            hint=f"`ostiary change show {state.change}` names who may.",
        )
    if event.snapshot != state.snapshot:
        raise CommandRefusedError(
            "another_snapshot",
            f"Change {state.change} goes to {state.snapshot}, not to {event.snapshot}.",
            hint="Approve what you have looked at.",
        )
    given = replace(state.approval, operator=event.operator, comment=event.comment)
    return preparation.begin(replace(state, approval=given))


def end(state: ChangeState, verdict: Verdict, reason: Reason) -> Step:
    """End the wait. Nothing was started, so there is nothing to take back or to prove."""
    return settling.settle(replace(state, verdict=verdict), reason)


def restart(state: ChangeState, before: float) -> Step:
    """Return the step of a new guard: it goes on waiting.

    `before` is when the last guard saw the change. Where clocks of two boots have nothing in
    common the wait begins anew: it may be longer than stated, never shorter.
    """
    since = state.approval.since
    if since is not None and state.seen < before:
        since += state.seen - before
    return replace(state, approval=replace(state.approval, since=since)), ()
