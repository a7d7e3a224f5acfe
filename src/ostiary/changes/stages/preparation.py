"""Check and rehearse: nothing of this is seen by users, and failing here refuses the change.

Phases `checking`, `starting` (candidates come up; part of stage rehearse) and `rehearsing`.
"""

from dataclasses import replace

from ostiary.changes.actions import RunRehearsal, StartCandidates
from ostiary.changes.events import (
    CandidatesFailed,
    CandidatesReady,
    Checked,
    Event,
    Rehearsed,
    Tick,
)
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.stages import canary, ending, settling
from ostiary.changes.state import ChangeState, Phase, Step, illegal


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    match state.phase, event:
        case Phase.CHECKING, Checked():
            return _checked(state, event)
        case Phase.STARTING, CandidatesReady():
            return _ready(state)
        case Phase.STARTING | Phase.REHEARSING, CandidatesFailed():
            return ending.discard(state, Reason(event.reason, event.text))
        case Phase.REHEARSING, Rehearsed():
            return canary.begin(state) if event.passed else ending.discard(state, *event.failures)
        case _, Tick():
            return state, ()
        case _:
            raise illegal(state, event)


def _checked(state: ChangeState, event: Checked) -> Step:
    """Refuse a bad snapshot at once, without having started anything."""
    if not event.ok:
        refused = replace(state, verdict=Verdict.REFUSED)
        return settling.settle(refused, *event.problems)
    if state.balance is not None:
        # Its replicas serve already, and have passed their rehearsal.
        return canary.begin(replace(state, reasons=(*state.reasons, *event.problems)))
    starting = replace(
        state,
        stage=Stage.REHEARSE,
        phase=Phase.STARTING,
        reasons=(*state.reasons, *event.problems),
    )
    return starting, (StartCandidates(),)


def _ready(state: ChangeState) -> Step:
    """Rehearse, unless the change begins at a later stage."""
    if state.from_stage in (Stage.CHECK, Stage.REHEARSE):
        return replace(state, phase=Phase.REHEARSING), (RunRehearsal(),)
    return canary.begin(state)
