"""What trials found, as the reasons of a change."""

from ostiary.changes.events import JourneysRun, Rehearsed
from ostiary.changes.model import Reason
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.relying_party.errors import FailureKind

_FAILURES_SHOWN = 8


def reasons_of(report: JourneyReport) -> tuple[Reason, ...]:
    """Return the first failures of a report, with where they happened.

    Those come first that no second opinion hides, and refusals last: whether anything was minted
    wrongly, and whether nothing but refusals was seen, must not be cut off. What another candidate
    or account has shown as well comes after everything else.
    """
    firsts: dict[tuple[str, str], JourneyFailure] = {}
    failures = sorted(report.failures, key=_gravity)
    for failure in failures:
        firsts.setdefault((failure.journey, failure.step), failure)
    ordered = sorted(failures, key=lambda each: each is not firsts[each.journey, each.step])
    return tuple(map(_reason, ordered[:_FAILURES_SHOWN]))


def rehearsed_of(report: JourneyReport) -> Rehearsed:
    """Return what a rehearsal means; what last good does wrong, as it had before, is noted."""
    notes = tuple(
        Reason(
            "last_good_fails",
            "Last good has failed so by itself, so it does not count against this change: "
            f"{failure}",
            {"journey": failure.journey, "step": failure.step, "stratum": failure.stratum},
        )
        for failure in report.set_aside[:_FAILURES_SHOWN]
    )
    return Rehearsed(passed=report.passed, failures=reasons_of(report), notes=notes)


def _reason(failure: JourneyFailure) -> Reason:
    told = {
        "journey": failure.journey,
        "step": failure.step,
        "stratum": failure.stratum,
        "kind": failure.kind.value,
        "expected": failure.expected,
        "got": failure.got,
        "request_id": failure.request_id,
    }
    named = {name: text for name, text in told.items() if text or name != "request_id"}
    return Reason("journey_failed", str(failure), named)


def run_of(canary: JourneyReport, control: JourneyReport) -> JourneysRun:
    """Return what a run on the canary means, with one on the control beside it."""
    return JourneysRun(
        passed=canary.passed,
        strata_passed=canary.strata_passed,
        failures=reasons_of(canary),
        control_passed=control.passed,
        hideable=canary.hideable,
        verified=canary.verified,
        wrong_here_alone=not canary.hideable and control.hideable,
    )


def _gravity(failure: JourneyFailure) -> int:
    if not failure.is_hideable:
        return 0
    return 2 if failure.kind is FailureKind.REFUSED else 1


def no_accounts(error: AdminApiError) -> Reason:
    """Return the reason for trials that could not begin."""
    return Reason("probe_accounts_unavailable", f"Probe accounts could not be made: {error}")
