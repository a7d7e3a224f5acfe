"""The last phase before the end: proof that users are well, and the candidates gone."""

from dataclasses import replace

from ostiary.changes.actions import Action, MarkServed, RunProof, Settle
from ostiary.changes.events import ProofRun, WindowClosed
from ostiary.changes.model import Reason, Verdict
from ostiary.changes.pacing import RETRY_SECONDS, SETTLE_SECONDS_MAX
from ostiary.changes.recovery import AFTER_SECONDS, WAIT_SECONDS_MAX
from ostiary.changes.state import ChangeState, Phase, Step


def settle(state: ChangeState, *reasons: Reason) -> Step:
    """Return the last step.

    A change that was to take back a good snapshot took its mark first. Where it came to nothing,
    that snapshot serves on: without a mark the next guard would stop it and serve another one, and
    nobody could try again to take it back.
    """
    seen = () if state.recovery is None else (state.recovery.reason(),)
    settled = replace(state, phase=Phase.SETTLED, reasons=(*state.reasons, *seen, *reasons))
    in_vain = state.terms.restores and state.verdict is not Verdict.PROMOTED
    marks: tuple[Action, ...] = (MarkServed(),) if in_vain else ()
    return settled, (*marks, Settle(settled.result))


def observed(state: ChangeState, window: WindowClosed) -> ChangeState:
    """Return the state after a window of users' requests, where it matters whether they recover."""
    since = state.finish.since
    if state.recovery is None or since is None or state.seen - since < AFTER_SECONDS:
        return state
    recovery = state.recovery.counted(window.stable_requests, window.stable_faults)
    return replace(state, recovery=recovery)


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
    return _settle_if_done(state)


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
    """Settle once last good is proven, the candidates are gone, and users' recovery is seen."""
    if state.finish.proven and state.finish.stopped and not _waits_for_users(state):
        return settle(state)
    return state, ()


def _waits_for_users(state: ChangeState) -> bool:
    since = state.finish.since
    if state.recovery is None or state.recovery.is_told or since is None:
        return False
    return state.seen - since < WAIT_SECONDS_MAX
