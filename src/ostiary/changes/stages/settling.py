"""The last phase before the end: proof that users are well, and the candidates gone."""

from dataclasses import replace

from ostiary.changes.actions import RunProof, Settle
from ostiary.changes.events import ProofRun
from ostiary.changes.model import Reason
from ostiary.changes.pacing import RETRY_SECONDS, SETTLE_SECONDS_MAX
from ostiary.changes.state import ChangeState, Phase, Step


def settle(state: ChangeState, *reasons: Reason) -> Step:
    """Return the last step."""
    settled = replace(state, phase=Phase.SETTLED, reasons=(*state.reasons, *reasons))
    return settled, (Settle(settled.result),)


def timed(state: ChangeState, **seconds: float) -> ChangeState:
    """Return the state with what was measured since the decision to withdraw."""
    if state.withdrawal is None:
        return state
    return replace(state, withdrawal=replace(state.withdrawal, **seconds))


def proof(state: ChangeState, event: ProofRun) -> Step:
    """Take the journeys' result: a rollback is complete when they pass, not before."""
    if event.passed:
        state = timed(state, journeys_seconds=state.since_decision)
        return _settle_if_done(replace(state, finish=replace(state.finish, proven=True)))
    failed = replace(
        state.finish,
        proof_failed_in_row=state.finish.proof_failed_in_row + 1,
        retry_at=state.seen + RETRY_SECONDS,
    )
    return wait(replace(state, finish=failed))


def stopped(state: ChangeState) -> Step:
    """Take note that the candidates are gone."""
    return _settle_if_done(replace(state, finish=replace(state.finish, stopped=True)))


def wait(state: ChangeState) -> Step:
    """Prove again where that is due; give up waiting in the end, and say so."""
    finish = state.finish
    if finish.since is not None and state.seen - finish.since >= SETTLE_SECONDS_MAX:
        return settle(state, *_unfinished(state))
    if finish.retry_at is not None and state.seen >= finish.retry_at:
        again = replace(state, finish=replace(finish, retry_at=None))
        return again, (RunProof("rollback"),)
    return state, ()


def _unfinished(state: ChangeState) -> list[Reason]:
    """Return what a change that settles nevertheless has not achieved."""
    missing = []
    if not state.finish.proven:
        missing.append(
            Reason(
                "unproven",
                "The edge serves the last good version only, but the journeys do not pass"
                f" {SETTLE_SECONDS_MAX:.0f} s later: something else is wrong as well.",
                {"failed_runs": state.finish.proof_failed_in_row},
            )
        )
    if not state.finish.stopped:
        missing.append(Reason("not_stopped", "The candidates have not stopped in time."))
    return missing


def _settle_if_done(state: ChangeState) -> Step:
    """Settle once the last good version is proven and the candidates are gone."""
    if state.finish.proven and state.finish.stopped:
        return settle(state)
    return state, ()
