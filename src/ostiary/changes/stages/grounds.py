"""The reasons that a canary ends for, in words and numbers."""

from dataclasses import asdict

from ostiary.changes.model import Reason
from ostiary.changes.stages import permission
from ostiary.changes.state import ChangeState
from ostiary.edge.class_words import class_in_words

_REASONS_MAX = 3


def harm(state: ChangeState) -> tuple[Reason, ...]:
    """Return the evidence against the change, the weightiest first."""
    return tuple(
        Reason(
            "harm",
            contribution.text,
            {
                "stratum": contribution.stratum,
                "metric": contribution.metric.value,
                "log_e": round(contribution.log_e, 3),
                "log_e_total": round(state.evidence.log_e, 3),
                "threshold": round(state.evidence.threshold, 3),
                "canary_requests": contribution.canary_requests,
                "canary_events": contribution.canary_events,
                "control_requests": contribution.control_requests,
                "control_events": contribution.control_events,
            },
        )
        for contribution in state.evidence.leading(_REASONS_MAX)
    )


def both_arms(state: ChangeState) -> Reason:
    """Return the reason for holding a change while both arms fail."""
    return Reason(
        "both_arms_failing",
        "Canary and control began to fail together: the change is withdrawn, but not judged.",
        asdict(state.common_mode.in_sum),
    )


def no_decision(state: ChangeState) -> Reason:
    """Return the reason for holding a change that took too long."""
    strata = state.evidence.settings.strata
    uncleared = [class_in_words(each, strata) for each in sorted(permission.uncleared(state))]
    where = f" Not cleared: {', '.join(uncleared)}." if uncleared else ""
    return Reason(
        "no_decision",
        "Neither harm nor its absence was shown in time." + where,
        {
            "seconds": round(state.seen - (state.held_clock or state.seen), 1),
            "log_e": round(state.evidence.log_e, 3),
            "threshold": round(state.evidence.threshold, 3),
        },
    )
