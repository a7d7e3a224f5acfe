"""Rehearse: nothing of this is seen by users, and failing here refuses the change.

Phases `starting` (candidates come up) and `rehearsing`.
"""

from dataclasses import replace

from ostiary.changes.actions import RunRehearsal, StartCandidates
from ostiary.changes.events import (
    CandidatesFailed,
    CandidatesReady,
    Event,
    Rehearsed,
    Tick,
)
from ostiary.changes.model import Reason, Stage
from ostiary.changes.stages import canary, ending, promotion
from ostiary.changes.state import ChangeState, Phase, Step, illegal


def begin(state: ChangeState) -> Step:
    """Return the first step: the candidates are started.

    The replicas of a change of the edge only serve already, and have passed their rehearsal.
    """
    if state.balance is not None:
        return promotion.begin(state) if state.terms.restores else canary.begin(state)
    return replace(state, stage=Stage.REHEARSE, phase=Phase.STARTING), (StartCandidates(),)


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    match state.phase, event:
        case Phase.STARTING, CandidatesReady():
            return _ready(state)
        case Phase.STARTING | Phase.REHEARSING, CandidatesFailed():
            return ending.discard(state, Reason(event.reason, event.text), *event.others)
        case Phase.REHEARSING, Rehearsed():
            return _rehearsed(state, event)
        case _, Tick():
            return state, ()
        case _:
            raise illegal(state, event)


def _ready(state: ChangeState) -> Step:
    """Rehearse, unless the change begins at a later stage or brings a good snapshot back."""
    if state.terms.restores:
        return promotion.begin(state)
    if state.from_stage in (Stage.CHECK, Stage.REHEARSE):
        return replace(state, phase=Phase.REHEARSING), (RunRehearsal(state.terms.replay),)
    return canary.begin(state)


def _rehearsed(state: ChangeState, event: Rehearsed) -> Step:
    """Let the candidates near users only when the rehearsal has passed."""
    if not event.passed:
        return ending.discard(state, *event.failures)
    return canary.begin(replace(state, reasons=(*state.reasons, *event.notes)))
