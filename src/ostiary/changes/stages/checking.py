"""Check: the first stage. Nothing has been started, and failing here refuses the change."""

from dataclasses import replace

from ostiary.changes.events import Checked, Event, Tick
from ostiary.changes.model import Verdict
from ostiary.changes.stages import approval, preparation, settling
from ostiary.changes.state import ChangeState, Phase, Step, illegal


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    match state.phase, event:
        case Phase.CHECKING, Checked():
            return _checked(state, event)
        case Phase.CHECKING, Tick():
            return state, ()
        case _:
            raise illegal(state, event)


def _checked(state: ChangeState, event: Checked) -> Step:
    """Refuse a bad snapshot at once; wait for approval where it is required, unless forced.

    At whatever stage a change starts, it comes through here: nothing else skips approval.
    """
    if not event.ok:
        refused = replace(state, verdict=Verdict.REFUSED)
        return settling.settle(refused, *event.problems)
    checked = replace(state, reasons=(*state.reasons, *event.problems))
    if state.approval.required and not state.force:
        return approval.begin(checked)
    return preparation.begin(checked)
