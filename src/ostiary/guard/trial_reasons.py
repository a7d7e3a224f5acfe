"""What trials found, as the reasons of a change."""

from ostiary.changes.events import JourneysRun
from ostiary.changes.model import Reason
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.report import JourneyReport

_FAILURES_SHOWN = 5


def reasons_of(report: JourneyReport) -> tuple[Reason, ...]:
    """Return the first failures of a report, with where they happened."""
    return tuple(
        Reason(
            "journey_failed",
            str(failure),
            {"journey": failure.journey, "step": failure.step, "stratum": failure.stratum},
        )
        for failure in report.failures[:_FAILURES_SHOWN]
    )


def run_of(canary: JourneyReport, control: JourneyReport) -> JourneysRun:
    """Return what a run on the canary means, with one on the control beside it."""
    return JourneysRun(
        passed=canary.passed,
        strata_passed=canary.strata_passed,
        failures=reasons_of(canary),
        control_passed=control.passed,
        hideable=canary.hideable,
        verified=canary.verified,
    )


def no_accounts(error: AdminApiError) -> Reason:
    """Return the reason for trials that could not begin."""
    return Reason("probe_accounts_unavailable", f"Probe accounts could not be made: {error}")
