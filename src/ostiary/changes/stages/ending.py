"""How a change ends: edge back to the last good version, proof, candidates gone, verdict.

Phases `withdrawing` (until the edge serves the last good version only), `stopping` (until the
candidates are gone and the journeys have passed through the edge) and `settled`.

Nothing of it waits for the store: the edge is written before anything else is asked for, and what
was minted wrongly is owed until it can be taken back.
"""

from dataclasses import replace

from ostiary.changes.actions import RunProof, Settle, StopCandidates, WithdrawCanary
from ostiary.changes.events import (
    BalanceRead,
    CanaryUnavailable,
    CanaryWithdrawn,
    CandidatesFailed,
    CandidatesReady,
    Checked,
    EdgeApplied,
    EdgeFailed,
    Event,
    JourneysRun,
    ProofRun,
    Rehearsed,
    ReplicasStopped,
    SnapshotPromoted,
    Tick,
    WindowClosed,
)
from ostiary.changes.minted import revoking
from ostiary.changes.model import Reason, Verdict, Withdrawal
from ostiary.changes.pacing import ANSWER_SECONDS_MAX, RETRY_SECONDS
from ostiary.changes.stages import settling
from ostiary.changes.state import NOT_FINISHED, ChangeState, Phase, Step, counted, illegal

_LATE = (
    BalanceRead,
    CandidatesFailed,
    CandidatesReady,
    CanaryUnavailable,
    CanaryWithdrawn,
    Checked,
    EdgeApplied,
    EdgeFailed,
    JourneysRun,
    Rehearsed,
    SnapshotPromoted,
    WindowClosed,
    Tick,
)
"""What was under way when the end began, or is answered twice after a retry: ignored."""


def withdraw(state: ChangeState, verdict: Verdict, *reasons: Reason) -> Step:
    """Return the first step of an end in which the edge may know the canary."""
    ending = replace(
        state,
        phase=Phase.WITHDRAWING,
        verdict=verdict,
        reasons=(*state.reasons, *reasons),
        ordered_share=None,
        paused_since=None,
        withdrawal=Withdrawal(
            share=state.share if state.exposed else None,
            after_seconds=round(state.seen - state.began, 3),
        ),
    )
    return _write(ending)


def discard(state: ChangeState, *reasons: Reason) -> Step:
    """Return the first step of an end before the edge knew the candidates: they only stop."""
    ending = replace(
        state,
        phase=Phase.STOPPING,
        verdict=Verdict.REFUSED,
        reasons=(*state.reasons, *reasons),
        finish=replace(NOT_FINISHED, since=state.seen, proven=True),
    )
    return ending, (StopCandidates(), *revoking(ending))


def restart(state: ChangeState) -> Step:
    """Return the step of a new guard that finds a change in one of these phases.

    Nothing is taken to have been done: the edge is written again before anything else.
    """
    match state.phase:
        case Phase.SETTLED:
            return state, (*revoking(state), Settle(state.result))
        case Phase.STOPPING if state.verdict is Verdict.REFUSED:
            return replace(state, finish=replace(state.finish, since=state.seen)), (
                StopCandidates(),
                *revoking(state),
            )
        case _:
            return _write(replace(state, phase=Phase.WITHDRAWING))


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    if isinstance(event, WindowClosed) and not state.settled:
        return settling.observed(counted(state, event), event), ()
    match state.phase:
        case Phase.WITHDRAWING:
            return _withdrawing(state, event)
        case Phase.STOPPING:
            return _stopping(state, event)
        case _:
            return _late(state, event)


def _withdrawing(state: ChangeState, event: Event) -> Step:
    """Wait until the edge has confirmed."""
    match event:
        case CanaryWithdrawn():
            return _withdrawn(state)
        case EdgeFailed() | Tick():
            return _write_again(state, event)
        case _:
            return _late(state, event)


def _stopping(state: ChangeState, event: Event) -> Step:
    """Wait until the candidates are gone and the last good version is proven."""
    match event:
        case ProofRun(of="rollback"):
            return settling.proof(state, event)
        case ReplicasStopped():
            return settling.stopped(state)
        case Tick():
            return settling.wait(state)
        case _:
            return _late(state, event)


def _late(state: ChangeState, event: Event) -> Step:
    """Return the state as it is for an event that may come late; raise for any other."""
    answers_twice = (ProofRun, ReplicasStopped) if state.phase is Phase.SETTLED else ()
    promotion_proof = isinstance(event, ProofRun) and event.of == "promotion"
    if promotion_proof or isinstance(event, (*_LATE, *answers_twice)):
        return state, ()
    raise illegal(state, event)


def _withdrawn(state: ChangeState) -> Step:
    """Return the step after the edge has confirmed: users are safe, now prove it and clean up."""
    safe = replace(
        settling.timed(state, edge_seconds=state.since_decision),
        phase=Phase.STOPPING,
        share=None,
        finish=replace(NOT_FINISHED, since=state.seen),
    )
    return safe, (StopCandidates(), RunProof("rollback"), *revoking(safe))


def _write(state: ChangeState) -> Step:
    """Have the edge written. An answer that never comes must not leave users with the canary."""
    unanswered = replace(NOT_FINISHED, retry_at=state.seen + ANSWER_SECONDS_MAX)
    return replace(state, finish=unanswered), (WithdrawCanary(),)


def _write_again(state: ChangeState, event: EdgeFailed | Tick) -> Step:
    """Write the edge again a moment after it failed, for as long as it takes."""
    retry_at = state.finish.retry_at
    if isinstance(event, EdgeFailed):
        later = replace(state.finish, retry_at=state.seen + RETRY_SECONDS)
        return replace(state, finish=later), ()
    if retry_at is None or state.seen < retry_at:
        return state, ()
    return _write(state)
