"""From bake to good: the candidates become the stable version, step by step and reversibly.

Phases `promoting` (until the edge serves the candidates only), `proving` (until the journeys pass
through it) and `draining` (until the replaced replicas are gone). The replaced replicas stay up
until the proof, so a guard that dies before it can be followed by a rollback. After it the snapshot
is good, and a new guard finishes the promotion instead.
"""

from dataclasses import replace

from ostiary.changes.actions import MarkGood, PromoteSnapshot, RunProof, StopReplaced
from ostiary.changes.events import (
    BalanceRead,
    CanaryUnavailable,
    CandidatesFailed,
    EdgeApplied,
    EdgeFailed,
    Event,
    JourneysRun,
    ProofRun,
    ReplicasStopped,
    SnapshotPromoted,
    Tick,
    WindowClosed,
)
from ostiary.changes.model import Reason, Stage, Verdict
from ostiary.changes.pacing import JOURNEY_FAILURES_MAX, RETRY_SECONDS, SETTLE_SECONDS_MAX
from ostiary.changes.stages import ending, settling
from ostiary.changes.state import NOT_FINISHED, ChangeState, Phase, Step, counted, illegal


def begin(state: ChangeState, *reasons: Reason) -> Step:
    """Return the first step of a promotion."""
    promoting = replace(
        state,
        phase=Phase.PROMOTING,
        reasons=(*state.reasons, *reasons),
        ordered_share=None,
        finish=replace(NOT_FINISHED, since=state.seen),
    )
    return promoting, (PromoteSnapshot(),)


def restart(state: ChangeState) -> Step:
    """Return the step of a new guard that finds a snapshot already good."""
    again = replace(state, finish=replace(state.finish, since=state.seen))
    return again, (MarkGood(), StopReplaced())


def handle(state: ChangeState, event: Event) -> Step:
    """Return what follows from an event; raises `IllegalEventError` for an impossible one."""
    match event:
        case WindowClosed():
            return counted(state, event), ()
        case Tick():
            return _wait(state)
        case EdgeApplied() | JourneysRun() | BalanceRead():
            # What was under way when the promotion began.
            return state, ()
        case CanaryUnavailable() | CandidatesFailed():
            return _unavailable(state, event.text)
        case _:
            return _answered(state, event)


def _answered(state: ChangeState, event: Event) -> Step:
    """Take the answer that the phase waits for."""
    match state.phase, event:
        case Phase.PROMOTING, SnapshotPromoted():
            promoted = replace(NOT_FINISHED, since=state.seen)
            return replace(state, phase=Phase.PROVING, finish=promoted), (RunProof("promotion"),)
        case Phase.PROMOTING, EdgeFailed():
            return ending.withdraw(state, Verdict.HELD, Reason("edge_failed", event.text))
        case Phase.PROVING, ProofRun(of="promotion"):
            return _proof(state, event)
        case Phase.DRAINING, ReplicasStopped():
            return settling.settle(state)
        case _:
            raise illegal(state, event)


def _unavailable(state: ChangeState, text: str) -> Step:
    """Go back while that is possible; a good snapshot's replicas are restarted by the guard."""
    if state.phase is Phase.DRAINING:
        return state, ()
    return _take_back(state, Reason("canary_unavailable", text))


def _proof(state: ChangeState, event: ProofRun) -> Step:
    """Take the journeys' result: good, again, or back to the last good version."""
    if event.passed:
        return _good(state)
    failed_in_row = state.finish.proof_failed_in_row + 1
    if failed_in_row < JOURNEY_FAILURES_MAX:
        again = replace(
            state.finish,
            proof_failed_in_row=failed_in_row,
            retry_at=state.seen + RETRY_SECONDS,
        )
        return replace(state, finish=again), ()
    failures = (
        Reason("proof_failed", "The journeys fail after the promotion.", {"runs": failed_in_row}),
        *event.failures,
    )
    if state.force or state.terms.restores or state.terms.intends(event.failures):
        # What is restored was good before: where it fails as well, something else is wrong.
        return _good(replace(state, reasons=(*state.reasons, *failures)))
    return _take_back(state, *failures)


def _good(state: ChangeState) -> Step:
    """Return the step after which nothing is taken back any more."""
    good = replace(
        state,
        stage=Stage.GOOD,
        phase=Phase.DRAINING,
        verdict=Verdict.PROMOTED,
        share=None,
        finish=replace(NOT_FINISHED, since=state.seen, proven=True),
    )
    return good, (MarkGood(), StopReplaced())


def _wait(state: ChangeState) -> Step:
    """Repeat a failed proof after a moment; do not wait for ever for replicas to drain."""
    finish = state.finish
    if state.phase is Phase.PROVING and finish.retry_at is not None:
        if state.seen < finish.retry_at:
            return state, ()
        again = replace(state, finish=replace(finish, retry_at=None))
        return again, (RunProof("promotion"),)
    overdue = finish.since is not None and state.seen - finish.since >= SETTLE_SECONDS_MAX
    if state.phase is Phase.DRAINING and overdue:
        reason = Reason("not_stopped", "The replaced replicas have not stopped in time.")
        return settling.settle(state, reason)
    if state.phase is Phase.PROMOTING and overdue:
        # Nobody can tell which version the edge serves; only a new write can settle that.
        reason = Reason("edge_failed", "The edge gave no answer to the promotion.")
        return ending.withdraw(state, Verdict.HELD, reason)
    if state.phase is Phase.PROVING and overdue:
        reason = Reason("proof_failed", "The journeys gave no result after the promotion.")
        return _take_back(state, reason)
    return state, ()


def _take_back(state: ChangeState, *reasons: Reason) -> Step:
    """Roll back. What users met after the promotion had no second opinion and was not counted."""
    counts_lost = state.counts_lost or state.phase is Phase.PROVING
    return ending.withdraw(replace(state, counts_lost=counts_lost), Verdict.ROLLED_BACK, *reasons)
