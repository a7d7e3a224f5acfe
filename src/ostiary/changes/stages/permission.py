"""When a step of the canary may be followed by the next, and when it has taken too long."""

from ostiary.changes.evidence.suspicion import suspected
from ostiary.changes.pacing import JOURNEY_FAILURES_MAX, JOURNEY_SECONDS
from ostiary.changes.state import ChangeState, Phase


def may_go_on(state: ChangeState) -> bool:
    """Return whether the step has lasted long enough and is permitted.

    Permission needs, in every stratum that the canary served, evidence of no harm or journeys that
    passed since the step began; with no traffic at all, journeys. Silence is no permission, and
    where users' requests speak against the canary, journeys are none.
    """
    if state.ordered_share is not None or state.step_began is None:
        return False
    if state.seen - state.step_began < _seconds_min(state) or not _spread_well(state):
        return False
    journeys = state.journeys
    if state.phase is Phase.PINNED:
        return journeys.clean or journeys.tolerated
    if state.force:
        return True
    if journeys.failed_in_row or not (state.traffic or journeys.clean):
        return False
    return not uncleared(state)


def uncleared(state: ChangeState) -> frozenset[str]:
    """Return the strata with traffic in this step for which nothing speaks yet."""
    doubtful = suspected(state.evidence.strata, state.evidence.threshold)
    unproven = state.traffic - (state.journeys.covered - doubtful)
    return unproven - state.evidence.harmless if unproven else unproven


def _spread_well(state: ChangeState) -> bool:
    """Return whether no replica suffers from a change of the edge; true of other changes."""
    return state.balance is None or state.phase is Phase.PINNED or state.balance.settled


def _seconds_min(state: ChangeState) -> float:
    """Return how long the present phase lasts at least."""
    if state.phase is Phase.BAKING:
        return state.pacing.bake_seconds
    return state.pacing.step_seconds_min if state.phase is Phase.STEPPING else 0.0


def overdue(state: ChangeState) -> bool:
    """Return whether the change has gone without a decision for too long."""
    seconds = state.pacing.held_after_seconds
    if state.phase is Phase.BAKING:
        seconds += state.pacing.bake_seconds
    return state.held_clock is not None and state.seen - state.held_clock >= seconds


def journeys_due(state: ChangeState) -> bool:
    """Return whether the pinned journeys are to run now."""
    log = state.journeys
    if log.under_way or state.step_began is None:
        return False
    if log.ended_at is None:
        return True
    # A first failure is looked into at once; a second one has ended the change, unless forced.
    again_at_once = 0 < log.failed_in_row < JOURNEY_FAILURES_MAX
    return again_at_once or state.seen - log.ended_at >= JOURNEY_SECONDS
