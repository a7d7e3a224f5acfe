"""Trying a team's own journeys on the candidates and on the canary, beside the built-in ones."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from ostiary.changes.events import Rehearsed
from ostiary.changes.model import Reason
from ostiary.guard.probe_tokens import OF_DEFAULT_AUDIENCE, access_token_of
from ostiary.guard.trial_reasons import no_accounts, reasons_of
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAccount, ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine
from ostiary.watch.own_journeys.settings import JourneySettings
from ostiary.watch.own_journeys.trying import OwnTools, try_own_journeys
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target

Admin = Callable[[], ProbeAdmin]
_NOTHING_TRIED = combine(())


class OwnTrials:
    """The journeys that `[guard.journeys]` held when the guard started.

    `environment` are the variables that their inserts may name: those of the guard.
    """

    def __init__(
        self,
        journeys: Mapping[str, JourneySettings],
        *,
        clock: Clock,
        rng: Random,
        environment: Mapping[str, str],
    ) -> None:
        self.journeys = journeys
        self._clock = clock
        self._rng = rng
        self._environment = environment

    async def rehearsed(
        self, before: Rehearsed, candidates: Sequence[Target], last_good: Target, admin: Admin
    ) -> Rehearsed:
        """Return a rehearsal with what the journeys found added to it."""
        if not before.passed or not self.journeys:
            return before
        async with _connections() as transport:
            try:
                own = await try_own_journeys(
                    self.journeys,
                    [Place(each, transport) for each in candidates],
                    control=Place(last_good, transport),
                    tools=self.tools(admin, last_good),
                )
            except AdminApiError as error:
                return replace(before, passed=False, failures=(no_accounts(error),))
        notes = tuple(broken_note(each) for each in own.broken)
        failures = reasons_of(own.report)
        return replace(
            before, passed=not failures, failures=failures, notes=(*before.notes, *notes)
        )

    async def pinned(
        self, canary: Target, edge: httpx.AsyncBaseTransport, last_good: Target, admin: Admin
    ) -> JourneyReport:
        """Return what the journeys for the canary found through the edge.

        What fails on last good too has not been tried, nor what needs an account while none can be
        made: neither says anything about the canary.
        """
        chosen = {name: each for name, each in self.journeys.items() if each.in_canary}
        if not chosen:
            return _NOTHING_TRIED
        async with _connections() as transport:
            try:
                own = await try_own_journeys(
                    chosen,
                    [Place(canary, edge)],
                    control=Place(last_good, transport),
                    tools=self.tools(admin, last_good),
                )
            except AdminApiError:
                return _NOTHING_TRIED
        return own.report

    def tools(self, admin: Admin, last_good: Target) -> OwnTools:
        """Return what journeys need, with accounts that `admin` makes and `last_good` knows."""

        @asynccontextmanager
        async def account() -> AsyncIterator[ProbeAccount]:
            async with admin() as opened, opened.account(kind=OF_DEFAULT_AUDIENCE) as made:
                yield made

        async def access_token(account: ProbeAccount) -> str:
            return await access_token_of(account, last_good, clock=self._clock, rng=self._rng)

        return OwnTools(account, self._clock, self._rng, self._environment, access_token)


@asynccontextmanager
async def _connections() -> AsyncIterator[KeptConnections]:
    transport = KeptConnections()
    try:
        yield transport
    finally:
        await transport.aclose()


def broken_note(failure: JourneyFailure) -> Reason:
    """Return the note on a journey that could not judge the change."""
    return Reason(
        "own_journey_broken",
        f"{failure.journey} fails on the last good version as well, so it says nothing about this "
        f"change: {failure}",
        {"journey": failure.journey, "step": failure.step, "stratum": failure.stratum},
    )
