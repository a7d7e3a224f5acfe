"""The change controller: `(state, event, now) → (state, actions)`.

It decides, and does nothing. The guard journals the event and the new state before it carries out
the actions, one after the other in their order; each may be carried out twice. So the guard may die
anywhere: the next one loads the last state and sends `GuardRestarted`.
"""

from collections.abc import Callable
from dataclasses import replace

from ostiary.changes.actions import RunChecks
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.balance import Balance
from ostiary.changes.events import Approved, Command, Event, GuardRestarted
from ostiary.changes.evidence import Evidence, EvidenceSettings
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.pacing import Pacing
from ostiary.changes.stages import (
    approval,
    canary,
    checking,
    commands,
    ending,
    preparation,
    promotion,
)
from ostiary.changes.state import ChangeState, Phase, Step
from ostiary.changes.terms import NO_TERMS, Terms

_HANDLERS: dict[Phase, Callable[[ChangeState, Event], Step]] = {
    Phase.CHECKING: checking.handle,
    Phase.APPROVING: approval.handle,
    Phase.STARTING: preparation.handle,
    Phase.REHEARSING: preparation.handle,
    Phase.PINNED: canary.handle,
    Phase.STEPPING: canary.handle,
    Phase.BAKING: canary.handle,
    Phase.PROMOTING: promotion.handle,
    Phase.PROVING: promotion.handle,
    Phase.DRAINING: promotion.handle,
    Phase.WITHDRAWING: ending.handle,
    Phase.STOPPING: ending.handle,
    Phase.SETTLED: ending.handle,
}
_ENDING = (Phase.WITHDRAWING, Phase.STOPPING, Phase.SETTLED)
_COUNTED = (Phase.DRAINING, Phase.SETTLED)
"""Phases before which all that users met at the canary has been counted and journalled."""


def begin(
    change: str,
    snapshot: str,
    *,
    now: float,
    pacing: Pacing,
    evidence: EvidenceSettings,
    from_stage: Stage = Stage.CHECK,
    force_reason: str | None = None,
    terms: Terms = NO_TERMS,
    agreement: Approval = NO_APPROVAL,
    balance: Balance | None = None,
) -> Step:
    """Return the state of a new change, and the first actions.

    `from_stage` skips what comes before it, except for the typed parse. `force_reason` makes the
    change a forced one: it goes on whatever evidence and journeys say, not without availability.
    `terms` are what was agreed about it besides. `agreement` says whether another operator than the
    proposer has to approve it; a forced change goes on without.
    `balance` makes it one of the edge only, which has no replicas of its own.
    Raises `ValueError` for a stage that no change can begin at.
    """
    if from_stage in (Stage.APPROVE, Stage.GOOD):
        raise ValueError(f"A change cannot begin at {from_stage}.")
    forced = Reason("forced", f"Evidence is skipped by force: {force_reason}")
    state = ChangeState(
        change=change,
        snapshot=snapshot,
        pacing=pacing,
        from_stage=from_stage,
        force=force_reason is not None,
        approval=agreement,
        began=now,
        seen=now,
        evidence=Evidence(settings=evidence),
        terms=terms,
        balance=balance,
        reasons=() if force_reason is None else (forced,),
    )
    return state, (RunChecks("all" if from_stage is Stage.CHECK else "parse"),)


def handle(state: ChangeState, event: Event, now: float) -> Step:
    """Return what follows from an event at a monotonic time in seconds.

    Raises `IllegalEventError` for an event that cannot happen now, and `CommandRefusedError` for a
    command that makes no sense now; then nothing has changed.
    """
    if isinstance(event, GuardRestarted):
        return _restarted(state, now)
    if state.phase is not Phase.SETTLED:
        state = replace(state, seen=max(now, state.seen))
    if isinstance(event, Command):
        return commands.handle(state, event)
    if isinstance(event, Approved):
        return approval.approve(state, event)
    return _HANDLERS[state.phase](state, event)


def _restarted(state: ChangeState, now: float) -> Step:
    """Return the step of a guard that has taken over an unfinished change.

    What was decided is finished, and what waits for approval goes on waiting; everything else is
    rolled back, because nobody watched. Monotonic clocks of two boots have nothing in common: then
    the time between them is left out.
    """
    if state.phase is Phase.SETTLED:
        return ending.restart(state)
    before = state.seen
    if now < before:
        state = replace(state, began=state.began + now - before)
    counts_lost = state.counts_lost or (state.exposed and state.phase not in _COUNTED)
    state = replace(state, seen=now, counts_lost=counts_lost)
    if state.phase is Phase.APPROVING:
        return approval.restart(state, before)
    if state.phase is Phase.DRAINING:
        return promotion.restart(state)
    if state.phase in _ENDING:
        return ending.restart(state)
    reason = Reason(
        "guard_restarted",
        f"The guard ended while the change was {state.phase}, and nobody watched it meanwhile.",
    )
    return ending.withdraw(state, Verdict.ROLLED_BACK, reason)
