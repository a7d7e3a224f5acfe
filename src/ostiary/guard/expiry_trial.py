"""Trying beside other things whether the candidates refuse a token that has expired.

Waiting for an expiry takes longer than all the rest of a rehearsal, and a flip keeps the code that
judges it. So for a flip last good mints the token while the candidates start, and the wait goes on
while the flip does. What it finds counts among the pinned journeys as soon as it is known, and
before any promotion. A canary that no rehearsal has seen is tried the same way, but it is known
before the first user gets there.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, combine
from ostiary.watch.journeys.running import Journey, run_journeys
from ostiary.watch.journeys.token_refusals import ShortLived, expired_token, mint_short_lived
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

_JOURNEY = "expired_token"
_LEEWAY_SECONDS_MAX = 30.0
"""With more, a promotion after a short bake would have to wait longer than a promotion may."""


class ExpiryTrial:
    """At most one token at a time, with the probe account that it was minted for."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self._minting: asyncio.Task[ShortLived | None] | None = None
        self._trying: asyncio.Task[JourneyReport] | None = None

    def begin(self, open_admin: Callable[[], ProbeAdmin], last_good: Target) -> None:
        """Have last good mint a token while other things go on."""
        self._minting = asyncio.create_task(self._mint(open_admin, last_good))

    async def goes_on_at(
        self, candidate: Target, leeway_seconds: float, *, however_long: bool = False
    ) -> bool:
        """Begin to try the token at a candidate, once; return whether there is one.

        There is none where none was asked for or none could be had; then the rehearsal mints its
        own, and finds out what is wrong. With a long leeway it waits itself as well, unless this
        is to wait `however_long`: where nobody is kept waiting.
        """
        too_long = leeway_seconds > _LEEWAY_SECONDS_MAX and not however_long
        if self._minting is None or too_long:
            return False
        minted = await self._minting
        if minted is not None and self._trying is None:
            self._trying = asyncio.create_task(self._try(candidate, minted, leeway_seconds))
        return minted is not None

    @property
    def known(self) -> JourneyReport | None:
        """What was found; None while that is not known yet, or where nothing is tried."""
        return self._trying.result() if self._trying is not None and self._trying.done() else None

    def added_to(self, report: JourneyReport) -> JourneyReport:
        """Return a report with what is known of the expiry."""
        return report if self.known is None else combine([report, self.known])

    async def end_added_to(self, report: JourneyReport) -> JourneyReport:
        """Return a report with what is found of the expiry, after waiting for it."""
        if self._trying is not None:
            await self._trying
        return self.added_to(report)

    async def forget(self, admin: ProbeAdmin) -> None:
        """Stop trying and delete the account; raises `AdminApiError`."""
        minting, trying = self._minting, self._trying
        self._minting = self._trying = None
        if trying is not None:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)
        minted = None if minting is None else await minting
        if minted is not None:
            await admin.delete(minted.account)

    async def _mint(
        self, open_admin: Callable[[], ProbeAdmin], target: Target
    ) -> ShortLived | None:
        transport = KeptConnections()
        try:
            async with open_admin() as admin:
                account = await admin.create(access_token_seconds=1)
            site = await Site.open(target, transport, clock=self._clock, rng=self._rng)
            return await mint_short_lived(site.actor(account))
        except (AdminApiError, StepFailedError):
            return None
        finally:
            await transport.aclose()

    async def _try(
        self, target: Target, minted: ShortLived, leeway_seconds: float
    ) -> JourneyReport:
        transport = KeptConnections()
        try:
            site = await Site.open(target, transport, clock=self._clock, rng=self._rng)
            actor = site.actor(minted.account)
            walk = partial(expired_token, actor, leeway_seconds=leeway_seconds, minted=minted)
            return await run_journeys([Journey(_JOURNEY, walk)], self._clock)
        except StepFailedError as error:
            return JourneyReport.not_begun(JourneyFailure.of(_JOURNEY, error))
        finally:
            await transport.aclose()
