"""Which failures of pinned journeys a change may go on with."""

from ostiary.changes.events import JourneysRun
from ostiary.changes.model import Stage
from ostiary.changes.state import ChangeState, Phase


def tolerates(state: ChangeState, event: JourneysRun) -> bool:
    """Return whether a run's failures are left to the users' requests to decide about.

    So it is where a change was proposed to start later than its rehearsal. Journeys then bar only
    what second opinions cannot hide: wrong content, a wrong *yes*, and, before the first user's
    share, a canary of which nobody has seen that what it mints is right. A forced change is told
    by its operator that all this is known, except wrong tokens and a wrong *yes*: where journeys
    saw these on the canary alone, no user gets there. Refusals that are meant are no failures.
    """
    if event.passed:
        return False
    if state.terms.intends(event.failures):
        return True
    if state.force:
        return state.phase is not Phase.PINNED or not event.wrong_here_alone
    if state.from_stage not in (Stage.CANARY, Stage.BAKE):
        return False
    return event.hideable and (event.verified or state.phase is not Phase.PINNED)
