"""What one path says about a change, and what several say together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine, failed_strata
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.relying_party.errors import StepFailedError


@dataclass(frozen=True, slots=True)
class Judged:
    """One path: where it failed, where it failed on last good beside it, and what it vouches for.

    With `beside` it says nothing about the change.
    """

    failure: JourneyFailure | None = None
    beside: JourneyFailure | None = None
    passed: frozenset[str] = frozenset()


def report_of(judged: Sequence[Judged], seconds: float) -> OwnReport:
    """Return what paths say about a change."""
    failures = tuple(each.failure for each in judged if each.failure and not each.beside)
    failed = failed_strata(failures)
    passed = frozenset[str]().union(*(each.passed for each in judged))
    report = JourneyReport(
        failures=failures,
        strata_passed=passed - failed,
        strata_failed=failed,
        seconds=seconds,
        journeys=sum(each.beside is None for each in judged),
    )
    return OwnReport(report, tuple(each.beside for each in judged if each.beside))


def joined(reports: Iterable[OwnReport]) -> OwnReport:
    """Return one report of several that ran one after another."""
    parts = list(reports)
    broken = tuple(failure for part in parts for failure in part.broken)
    return OwnReport(combine(part.report for part in parts), broken)


def told(name: str, error: StepFailedError) -> JourneyFailure:
    """Return the failure of a path; all of them are called after the table of their settings."""
    return JourneyFailure.of(f"oidc.{name}", error)
