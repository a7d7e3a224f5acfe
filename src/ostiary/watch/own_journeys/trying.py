"""Trying own journeys at several targets, with last good as the control.

A journey that fails on last good too says nothing about the change: the team's journey, its secret
or what lies behind is broken. So it is told, and refuses nothing; a security fix does not have to
wait until somebody has mended a test.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.probes import ProbeAccount
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, failed_strata
from ostiary.watch.own_journeys.settings import JourneySettings
from ostiary.watch.own_journeys.templates import TOKEN_INSERT, names_in, needs_account
from ostiary.watch.own_journeys.values import Values
from ostiary.watch.own_journeys.walk import Place, StepResult, walk

AT_ONCE = 2
"""Journeys at the same time: half of the threads of a replica, which may serve users."""


@dataclass(frozen=True, slots=True)
class OwnTools:
    """What every run needs. `account` provides a probe account, `access_token` one of its tokens.

    Both may raise `AdminApiError`, which says nothing about the service that is tried.
    """

    account: Callable[[], AbstractAsyncContextManager[ProbeAccount]]
    clock: Clock
    rng: Random
    environment: Mapping[str, str] = field(repr=False)
    access_token: Callable[[ProbeAccount], Awaitable[str]] | None = None


@dataclass(frozen=True, slots=True)
class OwnReport:
    """What own journeys say about a change.

    `report` holds failures of the change alone, `broken` the failures on last good of journeys that
    fail there as well. A broken journey has not passed, and vouches for nothing.
    """

    report: JourneyReport
    broken: tuple[JourneyFailure, ...] = ()


async def run_own_journey(
    name: str, journey: JourneySettings, place: Place, tools: OwnTools
) -> list[StepResult]:
    """Walk one journey once, with an account of its own where it needs one.

    Raises what making the account raises.
    """
    async with _account(journey, tools) as account:
        values = Values(
            rng=tools.rng,
            environment=tools.environment,
            account=account,
            access_token=await _access_token(journey, tools, account),
        )
        return await walk(name, journey, place, values, tools.clock)


async def try_own_journeys(
    journeys: Mapping[str, JourneySettings],
    places: Sequence[Place],
    *,
    control: Place | None,
    tools: OwnTools,
) -> OwnReport:
    """Walk every journey at every place, and at the control what fails at one.

    Without a control, because nothing of last good runs, every failure counts. Raises what making
    accounts raises.
    """
    began = tools.clock.monotonic()
    gate = asyncio.Semaphore(AT_ONCE)

    async def beside(name: str, journey: JourneySettings) -> JourneyFailure | None:
        if control is None:
            return None
        return _failure(await run_own_journey(name, journey, control, tools))

    async def judge(name: str, journey: JourneySettings) -> "_Judged":
        async with gate:
            for place in places:
                failure = _failure(await run_own_journey(name, journey, place, tools))
                if failure is not None:
                    return _Judged(journey, failure, await beside(name, journey))
            return _Judged(journey)

    results = await asyncio.gather(
        *(judge(*each) for each in journeys.items()), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    judged = [each for each in results if isinstance(each, _Judged)]
    return _report(judged, tools.clock.monotonic() - began)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One journey: where it failed, and where it failed on last good beside it."""

    journey: JourneySettings
    failure: JourneyFailure | None = None
    beside: JourneyFailure | None = None


def _report(judged: Sequence[_Judged], seconds: float) -> OwnReport:
    failures = tuple(each.failure for each in judged if each.failure and not each.beside)
    failed = failed_strata(failures)
    passed = frozenset(
        each.journey.vouches_for
        for each in judged
        if each.failure is None and each.journey.vouches_for is not None
    )
    report = JourneyReport(
        failures=failures,
        strata_passed=passed - failed,
        strata_failed=failed,
        seconds=seconds,
        journeys=sum(each.beside is None for each in judged),
    )
    return OwnReport(report, tuple(each.beside for each in judged if each.beside))


def _failure(results: Sequence[StepResult]) -> JourneyFailure | None:
    return results[-1].failure if results else None


@asynccontextmanager
async def _account(journey: JourneySettings, tools: OwnTools) -> AsyncIterator[ProbeAccount | None]:
    if not needs_account(_texts(journey)):
        yield None
        return
    async with tools.account() as account:
        yield account


async def _access_token(
    journey: JourneySettings, tools: OwnTools, account: ProbeAccount | None
) -> str | None:
    if (
        account is None
        or tools.access_token is None
        or TOKEN_INSERT not in names_in(_texts(journey))
    ):
        return None
    return await tools.access_token(account)


def _texts(journey: JourneySettings) -> list[dict[str, Any]]:
    return [step.model_dump() for step in journey.steps]
