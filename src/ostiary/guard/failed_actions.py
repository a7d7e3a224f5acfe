"""What an action that did not succeed means for the change that asked for it."""

from ostiary.changes import actions, events
from ostiary.changes.model import Reason


def failure_of(  # noqa: PLR0911 - one line for each action
    action: actions.Action, text: str
) -> events.Event | None:
    """Return the event by which the controller learns that an action did not succeed.

    None for stopping replicas: the change then waits for them, and says in the end that it did.
    """
    reason = (Reason("action_failed", text),)
    match action:
        case actions.RunChecks():
            return events.Checked(ok=False, problems=reason)
        case actions.StartCandidates():
            return events.CandidatesFailed("not_started", text)
        case actions.RunRehearsal():
            return events.Rehearsed(passed=False, failures=reason)
        case actions.RunJourneys():
            # Neither arm could be tried, which says nothing about the canary.
            return events.JourneysRun(passed=False, failures=reason, control_passed=False)
        case actions.RunProof(of=of):
            return events.ProofRun(of=of, passed=False, failures=reason)
        case actions.SetShare() | actions.WithdrawCanary() | actions.PromoteSnapshot():
            return events.EdgeFailed(text)
        case _:
            return None
