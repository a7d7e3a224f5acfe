"""What operators may order while a change goes on: rollback, promote, pause, resume."""

from dataclasses import replace

from ostiary.changes.errors import CommandRefusedError
from ostiary.changes.events import Command
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.stages import approval, canary, ending, promotion
from ostiary.changes.state import ChangeState, Phase, Step

_USERS_NEAR = (Phase.PINNED, Phase.STEPPING, Phase.BAKING)


def handle(state: ChangeState, command: Command) -> Step:
    """Return what follows from a command; raises `CommandRefusedError` where it makes no sense."""
    if state.verdict is not None:
        raise CommandRefusedError(
            "too_late",
            f"Change {state.change} is decided already: {state.verdict}.",
            hint=f"`ostiary snapshot revoke {state.snapshot}` takes back what it has minted."
            if command.revoke
            else "Propose another change to go back to an earlier snapshot.",
        )
    if command.revoke and (state.balance is not None or state.terms.restores):
        raise CommandRefusedError(
            "nothing_to_revoke",
            f"What is minted under change {state.change} is minted by a good snapshot.",
            hint="Roll it back without --revoke.",
        )
    match command.kind:
        case "rollback" if state.phase is Phase.APPROVING:
            return approval.end(state, Verdict.ROLLED_BACK, _by_operator(command))
        case "rollback":
            return ending.withdraw(state, Verdict.ROLLED_BACK, _by_operator(command))
        case "pause":
            return _pause(state, command)
        case "resume":
            return _resume(state, command)
        case "promote":
            return _promote(state, command)


def _pause(state: ChangeState, command: Command) -> Step:
    """Stop taking steps. Evidence is still gathered, and still ends the change."""
    if state.phase not in _USERS_NEAR or state.paused_since is not None:
        raise _not_now(state, command, "A change can be paused once, in canary or bake.")
    return _noted(replace(state, paused_since=state.seen), command), ()


def _resume(state: ChangeState, command: Command) -> Step:
    """Go on; the pause does not count towards the time until "held"."""
    if state.paused_since is None:
        raise _not_now(state, command, "Only a paused change can be resumed.")
    clock = state.held_clock
    if clock is not None:
        clock += state.seen - state.paused_since
    return _noted(replace(state, paused_since=None, held_clock=clock), command), ()


def _promote(state: ChangeState, command: Command) -> Step:
    """Skip waiting: from canary to the bake, from the bake to good. Nothing else is skipped."""
    if state.phase not in _USERS_NEAR:
        raise _not_now(state, command, "A change can be promoted in canary or bake.")
    if state.ordered_share is not None:
        raise _not_now(state, command, "The edge is taking a step at this moment; try again.")
    journeys = state.journeys
    seen = journeys.clean or (state.force and journeys.tolerated)
    if state.phase is Phase.PINNED and not seen:
        raise _not_now(state, command, "The pinned journeys must pass before users are let in.")
    going_on = _noted(replace(state, paused_since=None), command)
    if state.stage is Stage.BAKE:
        return promotion.begin(going_on)
    return canary.order_share(going_on, 1.0)


def _noted(state: ChangeState, command: Command) -> ChangeState:
    """Return the state with the command on record."""
    return replace(state, reasons=(*state.reasons, _by_operator(command)))


def _by_operator(command: Command) -> Reason:
    """Return the command as a reason."""
    why = f": {command.reason}" if command.reason else "."
    numbers = {"operator": command.operator} | ({"revoke": True} if command.revoke else {})
    return Reason(
        f"operator_{command.kind}", f"{command.operator} ordered {command.kind}{why}", numbers
    )


def _not_now(state: ChangeState, command: Command, hint: str) -> CommandRefusedError:
    """Return the error for a command that has to wait, or never makes sense."""
    return CommandRefusedError(
        "not_now",
        f"Change {state.change} is {state.phase}, so {command.kind} is not possible.",
        hint=hint,
    )
