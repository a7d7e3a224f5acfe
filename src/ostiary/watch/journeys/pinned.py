"""A quick set of journeys through the edge, on the way that only the guard's pin opens."""

from collections.abc import Sequence

import httpx

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.known_faults import NONE_KNOWN, KnownFaults, compared
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.journeys.running import AT_ONCE, run_journeys
from ostiary.watch.journeys.sets import cheap_refusal_set, lasting_refusal_set, sign_in_set
from ostiary.watch.journeys.sign_up import sign_up_journey
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

PINNED = "canary through the edge"
"""How failures name the target that the pin leads to."""


async def run_pinned_journeys(
    edge_url: str,
    pin_token: str,
    *,
    issuer: str,
    accounts: Sequence[ProbeAccount],
    clock: Clock,
    rng: Random,
    last_good: Target | None = None,
    admin: ProbeAdmin | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    all_refusals: bool = False,
    known: KnownFaults = NONE_KNOWN,
    at_once: int = AT_ONCE,
) -> JourneyReport:
    """Sign every account in at the canary through the edge, and try the cheap refusals.

    No second opinion hides anything on this way. What the canary mints is held against what
    `last_good` mints now. The accounts may be used again and again. With `admin`, which talks to a
    replica, somebody new signs up too, and their account is deleted. `all_refusals` are for a
    canary that no rehearsal has seen; they need two accounts. Where last good fails in a way that
    is `known`, there is nothing to hold against. So many as `at_once` run side by side: users are
    served meanwhile.
    """
    target = Target(PINNED, edge_url, issuer, pin=pin_token)
    return await run_quick_journeys(
        [target],
        accounts=accounts,
        clock=clock,
        rng=rng,
        last_good=last_good,
        admin=admin,
        transport=transport,
        all_refusals=all_refusals,
        known=known,
        at_once=at_once,
    )


async def run_quick_journeys(
    targets: Sequence[Target],
    *,
    accounts: Sequence[ProbeAccount],
    clock: Clock,
    rng: Random,
    last_good: Target | None = None,
    admin: ProbeAdmin | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    sign_in: bool = True,
    all_refusals: bool = False,
    known: KnownFaults = NONE_KNOWN,
    at_once: int = AT_ONCE,
) -> JourneyReport:
    """Run the quick set at any targets: replicas directly, the edge, canary or control.

    Without `admin` nobody signs up. Without `sign_in` only the refusals run that cost no password
    hash; with `all_refusals` the others run too, by the first two accounts.
    """
    shared = KeptConnections() if transport is None else transport
    started = clock.monotonic()
    try:
        sites = [await Site.open(each, shared, clock=clock, rng=rng) for each in targets]
        if last_good is not None:
            opening = Site.open(last_good, shared, clock=clock, rng=rng)
            old = await known.allow(opening, last_good)
            sites = sites if old is None else await compared(sites, old, accounts, known)
        journeys = sign_in_set(sites, accounts) if sign_in else []
        if admin is not None and sign_in:
            journeys += [sign_up_journey(site, accounts[0], admin) for site in sites]
        for site in sites:
            journeys += cheap_refusal_set(site, accounts[0])
            if all_refusals:
                journeys += lasting_refusal_set(site, *accounts[:2])
        report = await run_journeys(journeys, clock, at_once=at_once)
    except StepFailedError as error:
        report = JourneyReport.not_begun(JourneyFailure.of("discovery", error))
    finally:
        if transport is None:
            await shared.aclose()
    return report.lasting(clock.monotonic() - started)
