"""Running journeys side by side and collecting what they found."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ostiary.kernel.clock import Clock
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, failed_strata
from ostiary.watch.relying_party.errors import StepFailedError

AT_ONCE = 4
"""Journeys at the same time: as many as a replica has threads by default."""


@dataclass(frozen=True, slots=True)
class Journey:
    """One path to try. `walk` raises `StepFailedError` where the service does otherwise.

    `strata` is read after a successful walk: what the path proved to work. A path of refusals
    proves nothing of the kind, so its set is empty.
    """

    name: str
    walk: Callable[[], Awaitable[None]]
    strata: Callable[[], frozenset[str]] = frozenset


async def run_journeys(
    journeys: Sequence[Journey], clock: Clock, *, at_once: int = AT_ONCE
) -> JourneyReport:
    """Walk all journeys, a failed one stopping no other, and report.

    Raises the first `AdminApiError` of a journey that makes or changes accounts.
    """
    started = clock.monotonic()
    gate = asyncio.Semaphore(at_once)

    async def walk(journey: Journey) -> JourneyFailure | None:
        async with gate:
            try:
                await journey.walk()
            except StepFailedError as error:
                return JourneyFailure.of(journey.name, error)
            return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(walk(journey)) for journey in journeys]
    except ExceptionGroup as problems:
        # What makes accounts is not what is tried: the caller tells the two apart.
        raise _first(problems) from problems
    results = [task.result() for task in tasks]
    failures = tuple(failure for failure in results if failure is not None)
    failed = failed_strata(failures)
    passed = frozenset[str]().union(
        *(
            journey.strata()
            for journey, failure in zip(journeys, results, strict=True)
            if failure is None
        )
    )
    return JourneyReport(
        failures=failures,
        strata_passed=passed - failed,
        strata_failed=failed,
        seconds=clock.monotonic() - started,
        journeys=len(journeys),
    )


def _first(problems: ExceptionGroup[Exception]) -> Exception:
    told = problems.subgroup(AdminApiError) or problems
    first = told.exceptions[0]
    return first if isinstance(first, AdminApiError) else problems
