"""Walking the journeys of a rollout at both versions at the same moment."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from ostiary.changes.verdicts import JourneyRun
from ostiary.guard.verdicts.telling import Rollout
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.discovery_pair import Published, published_at, require_as_before
from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.own_journeys.settings import JourneySettings
from ostiary.watch.own_journeys.values import Values
from ostiary.watch.own_journeys.walk import Place, walk
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

DISCOVERY = "discovery"
"""What the comparison of discovery and keys is called among the journeys."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every run needs. `environment` are the variables that inserts may name."""

    clock: Clock
    rng: Random
    environment: Mapping[str, str] = field(repr=False)


async def run_pair(rollout: Rollout, tools: Tools) -> JourneyRun:
    """Return what failed at the new version and at the stable one, in one run of everything."""
    async with _place("canary", rollout) as canary, _place("stable", rollout) as stable:
        failures = {DISCOVERY: await _discovery(canary.place, stable.place)}
        for name, journey in rollout.journeys.items():
            failures[name] = await _walk_both(name, journey, canary.place, stable.place, tools)
        return JourneyRun(failures, canary_there=not canary.noting.refused)


async def _discovery(canary: Place, stable: Place) -> tuple[str | None, str | None]:
    new, old = await asyncio.gather(_published(canary), _published(stable))
    if isinstance(new, Published) and isinstance(old, Published):
        try:
            require_as_before(new, old, canary)
        except StepFailedError as error:
            return _text(JourneyFailure.of(DISCOVERY, error)), None
    return (
        None if isinstance(new, Published) else _text(new),
        None if isinstance(old, Published) else _text(old),
    )


async def _published(place: Place) -> Published | JourneyFailure:
    try:
        return await published_at(place)
    except StepFailedError as error:
        return JourneyFailure.of(DISCOVERY, error)


async def _walk_both(
    name: str, journey: JourneySettings, canary: Place, stable: Place, tools: Tools
) -> tuple[str | None, str | None]:
    """Walk at both together; who goes first is drawn, so that neither arm has the better part."""

    async def one(place: Place) -> str | None:
        values = Values(rng=tools.rng, environment=tools.environment, account=None)
        results = await walk(name, journey, place, values, tools.clock)
        failure = results[-1].failure if results else None
        return None if failure is None else _text(failure)

    if tools.rng.uniform() < 0.5:  # noqa: PLR2004 - half of the runs
        return (await asyncio.gather(one(canary), one(stable)))[:2]
    old, new = await asyncio.gather(one(stable), one(canary))
    return new, old


def _text(failure: JourneyFailure) -> str:
    return f"{failure}."


@dataclass(frozen=True, slots=True)
class _Arm:
    place: Place
    noting: "_Noting"


class _Noting(httpx.AsyncBaseTransport):
    """A transport that notes whether a connection was refused: then nobody is there."""

    def __init__(self, inner: KeptConnections) -> None:
        self._inner = inner
        self.refused = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(request)
        except httpx.ConnectError:
            self.refused = True
            raise


@asynccontextmanager
async def _place(arm: str, rollout: Rollout) -> AsyncIterator[_Arm]:
    table = rollout.settings
    url = table.canary_url if arm == "canary" else table.stable_url
    connections = KeptConnections()
    noting = _Noting(connections)
    try:
        yield _Arm(Place(Target(arm, url, table.issuer), noting), noting)
    finally:
        await connections.aclose()
