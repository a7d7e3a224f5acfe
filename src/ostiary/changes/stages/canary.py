"""Canary and bake: users reach the candidates, share by share, under evidence.

Phases `pinned` (share 0: journeys only), `stepping` (rising shares beside a control arm) and
`baking` (all traffic, the last good version giving second opinions).

At every event the same questions are asked, in this order: is it decided against the change; are
both arms harmed; may the next step be taken; has it taken too long; are journeys due. A forced
change skips the first two and the permission, never the availability, and never, before the first
user's share, what journeys saw to be wrong and no second opinion could hide. A change of the edge
only has no replicas of its own: there the first question is whether it drives one past its
capacity, which is availability, and whether requests are spread as intended.

The stated error rate is the evidence's. A rollback because journeys fail on the canary only, or
because its replicas are gone, follows from what was seen directly and is not part of it.
"""

from dataclasses import replace

from ostiary.changes.actions import RunJourneys, SetShare
from ostiary.changes.events import (
    BalanceRead,
    CanaryUnavailable,
    CandidatesFailed,
    EdgeApplied,
    EdgeFailed,
    Event,
    JourneysRun,
    Tick,
    WindowClosed,
)
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.pacing import JOURNEY_FAILURES_MAX
from ostiary.changes.recovery import Recovery
from ostiary.changes.stages import ending, grounds, permission, promotion
from ostiary.changes.stages.tolerance import tolerates
from ostiary.changes.state import ChangeState, JourneyLog, Phase, Step, counted, illegal


def begin(state: ChangeState) -> Step:
    """Return the first step: share 0, or all traffic at once where the change starts at bake."""
    if state.from_stage is Stage.BAKE:
        return order_share(replace(state, stage=Stage.BAKE, phase=Phase.BAKING), 1.0)
    return order_share(replace(state, stage=Stage.CANARY, phase=Phase.PINNED), 0.0)


def order_share(state: ChangeState, share: float) -> Step:
    """Return the step that asks for a share; the clock until "held" starts only once."""
    held_clock = state.seen if state.held_clock is None else state.held_clock
    exposed = state.exposed or share > 0.0  # Whether or not it is ever confirmed.
    ordered = replace(state, ordered_share=share, held_clock=held_clock, exposed=exposed)
    return ordered, (SetShare(share, state.terms.intended),)


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    match event:
        case EdgeApplied() if event.share == state.ordered_share:
            return _advance(_applied(state, event.share))
        case WindowClosed() | BalanceRead():
            return _advance(_observed(state, event))
        case JourneysRun() if state.journeys.under_way:
            return _journeys(state, event)
        case CanaryUnavailable() | CandidatesFailed():
            code = event.code if isinstance(event, CanaryUnavailable) else "canary_unavailable"
            reason = Reason(code, event.text)
            return ending.withdraw(state, Verdict.ROLLED_BACK, reason)
        case EdgeFailed():
            return ending.withdraw(state, Verdict.HELD, Reason("edge_failed", event.text))
        case Tick():
            return _advance(state)
        case _:
            raise illegal(state, event)


def _applied(state: ChangeState, share: float) -> ChangeState:
    """Return the state at the beginning of a step; a bake has its own time until "held"."""
    if share == 0.0:
        stage, phase = Stage.CANARY, Phase.PINNED
    elif share < 1.0:
        stage, phase = Stage.CANARY, Phase.STEPPING
    else:
        stage, phase = Stage.BAKE, Phase.BAKING
    return replace(
        state,
        stage=stage,
        phase=phase,
        share=share,
        ordered_share=None,
        step_began=state.seen,
        held_clock=state.seen if phase is Phase.BAKING else state.held_clock,
        traffic=frozenset(),
        evidence=state.evidence.next_step(),
        balance=None if state.balance is None else state.balance.next_step(),
        journeys=JourneyLog(
            under_way=state.journeys.under_way, failed_in_row=state.journeys.failed_in_row
        ),
    )


def _observed(state: ChangeState, window: WindowClosed | BalanceRead) -> ChangeState:
    """Return the state after one window of counts, or one look at the replicas."""
    if isinstance(window, BalanceRead):
        balance = state.balance
        if balance is not None:
            balance = balance.update(window.seats, undisturbed=window.undisturbed)
        return replace(state, balance=balance)
    if state.balance is not None and not state.balance.by_arms:
        common_mode = state.common_mode.update(window.strata)
        return replace(counted(state, window), common_mode=common_mode)
    served = {stratum.stratum for stratum in window.strata if stratum.canary.requests}
    share = state.ordered_share if state.share is None else state.share
    control_arm = share is None or share < 1.0
    return replace(
        counted(state, window),
        traffic=state.traffic | served,
        evidence=state.evidence.update(window.strata, control_arm=control_arm),
        common_mode=state.common_mode.update(window.strata),
    )


def _journeys(state: ChangeState, event: JourneysRun) -> Step:
    """Take a run's result; so many failures in a row, where the control passes, end the change."""
    log = state.journeys
    # A run that was ordered before the share was confirmed says nothing about this step.
    passed_now = event.strata_passed if log.current else frozenset()
    tolerated = tolerates(state, event)
    alone = event.control_passed is not False or event.wrong_here_alone
    failed_alone = not event.passed and not tolerated and alone
    failed_in_row = 0 if event.passed else log.failed_in_row + failed_alone
    state = replace(
        state,
        journeys=JourneyLog(
            ended_at=state.seen if log.current else None,
            failed_in_row=failed_in_row,
            covered=log.covered | passed_now if event.passed else passed_now,
            clean=event.passed and log.current,
            tolerated=tolerated and log.current,
        ),
    )
    if failed_in_row >= JOURNEY_FAILURES_MAX:
        reason = Reason(
            "journeys_failed",
            f"The journeys failed {failed_in_row} times in a row on the canary only.",
            {"runs": failed_in_row},
        )
        return ending.withdraw(state, Verdict.ROLLED_BACK, reason, *event.failures)
    return _advance(state)


def _advance(state: ChangeState) -> Step:
    """Ask the questions of the module's docstring, in their order."""
    if (decided := _decided(state)) is not None:
        return decided
    if state.paused_since is None:
        if permission.may_go_on(state):
            return go_on(state)
        if permission.overdue(state):
            return ending.withdraw(state, Verdict.HELD, grounds.no_decision(state))
    if permission.journeys_due(state):
        ordered = replace(state.journeys, under_way=True, current=True)
        return replace(state, journeys=ordered), (RunJourneys(),)
    return state, ()


def _decided(state: ChangeState) -> Step | None:
    """Return the end of a change that something speaks against, None where it may go on."""
    if state.balance is not None:
        harmed = state.common_mode.harmed
        if (overload := state.balance.overloaded(users_suffer=harmed)) is not None:
            return ending.withdraw(state, Verdict.ROLLED_BACK, overload)
        if (lopsided := state.balance.lopsided()) is not None and not state.force:
            return ending.withdraw(state, Verdict.ROLLED_BACK, lopsided)
    if state.evidence.decided and not state.force:
        return ending.withdraw(state, Verdict.ROLLED_BACK, *grounds.harm(state))
    if state.common_mode.harmed and not state.force:
        suffering = replace(state, recovery=Recovery(state.common_mode.in_sum))
        return ending.withdraw(suffering, Verdict.HELD, grounds.both_arms(state))
    return None


def go_on(state: ChangeState) -> Step:
    """Return the next step: a larger share, or the promotion after the bake."""
    if state.phase is Phase.BAKING:
        return promotion.begin(state)
    return order_share(state, state.pacing.step_after(state.share or 0.0))
