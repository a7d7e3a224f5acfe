"""Journeys that are tried again, for none of them has patience with a machine that stands still."""

from collections.abc import Callable

from ostiary.watch.journeys.report import JourneyReport

_TRIES = 3


def has_passed(report: JourneyReport) -> bool:
    return report.passed


def repeated(
    run: Callable[[], JourneyReport], *, enough: Callable[[JourneyReport], bool] = has_passed
) -> JourneyReport:
    """Return the report of the first try that is good enough, or else of the last one.

    On a machine that is busy with other tests a replica may turn somebody away once; a fault does
    so every time.
    """
    report = run()
    for _ in range(_TRIES - 1):
        if enough(report):
            break
        report = run()
    return report
