"""The full set of journeys, against replicas that no user reaches yet.

The part that must succeed runs with several accounts, since a fault may hit only a share of them:
of a fault that hits a quarter, 8 accounts miss 1 in 10; of one that hits three quarters, 1 in
65,000. Refusals run once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import httpx

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys import token_refusals
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.known_faults import NONE_KNOWN, KnownFaults, compared
from ostiary.watch.journeys.phases import rehearsal_phases
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine
from ostiary.watch.journeys.running import Journey, run_journeys
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

SIGN_IN_ACCOUNTS = 8
"""How many fresh accounts sign in; see the module's text for what they find."""


async def run_rehearsal_journeys(
    candidates: Sequence[Target],
    *,
    admin: ProbeAdmin,
    clock: Clock,
    rng: Random,
    last_good: Target | None = None,
    accounts: int = SIGN_IN_ACCOUNTS,
    leeway_seconds: float | None = 5.0,
    transport: httpx.AsyncBaseTransport | None = None,
    known: KnownFaults = NONE_KNOWN,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> JourneyReport:
    """Try everything on the candidate replicas, and the mint and verify matrix with last good.

    `admin` should belong to a last good replica: then the accounts' hashes are those of existing
    users. `leeway_seconds` is how long after its time a token may be accepted, as the settings
    say; the run takes a little longer than that. With None the expiry is not tried, which is then
    the caller's to do. Where last good fails in a way that is `known`, that is set aside.
    `meanwhile` is done in that time, when all else has passed. Accounts are deleted before this
    returns. Raises `AdminApiError` where they cannot be made or deleted; what a replica does
    wrong is reported.
    """
    shared = KeptConnections() if transport is None else transport
    started = clock.monotonic()
    try:
        sites = [await Site.open(each, shared, clock=clock, rng=rng) for each in candidates]
        old = None
        if last_good is not None:
            opening = Site.open(last_good, shared, clock=clock, rng=rng)
            old = await known.allow(opening, last_good)
        report = await _run(
            sites, old, admin, accounts, leeway_seconds, known=known, meanwhile=meanwhile
        )
    except StepFailedError as error:
        # Without discovery and keys there is nothing that a journey could start from.
        report = JourneyReport.not_begun(JourneyFailure.of("discovery", error))
    finally:
        if transport is None:
            await shared.aclose()
    return report.lasting(clock.monotonic() - started)


async def _run(
    sites: Sequence[Site],
    old: Site | None,
    admin: ProbeAdmin,
    accounts: int,
    leeway_seconds: float | None,
    *,
    known: KnownFaults,
    meanwhile: Callable[[], Awaitable[None]] | None,
) -> JourneyReport:
    """Run all parts; the expiry of a token is waited for beside the others."""
    clock = sites[0].clock
    async with (
        admin.accounts(accounts + 2) as made,
        _waiting_for_expiry(sites[0], admin, leeway_seconds) as expired,
    ):
        if old is not None:
            sites = await compared(sites, old, made, known)
        phases = rehearsal_phases(sites, old, made, await admin.in_use(), admin)
        reports = [await run_journeys(phase, clock) for phase in phases]
        if old is not None:
            reports = [known.taken_from(each, {old.target.name}) for each in reports]
        if meanwhile is not None and all(report.passed for report in reports):
            await meanwhile()
        if expired is not None:
            reports.append(await expired)
    return combine(reports)


@asynccontextmanager
async def _waiting_for_expiry(
    site: Site, admin: ProbeAdmin, leeway_seconds: float | None
) -> AsyncIterator[asyncio.Task[JourneyReport] | None]:
    """Try the expiry of a token meanwhile; None where that is not wanted."""
    if leeway_seconds is None:
        yield None
        return
    account = await admin.create(access_token_seconds=1)
    walk = partial(token_refusals.expired_token, site.actor(account), leeway_seconds=leeway_seconds)
    journey = Journey("expired_token", walk)
    task = asyncio.create_task(run_journeys([journey], site.clock))
    try:
        yield task
    finally:
        task.cancel()
        await admin.delete(account)
