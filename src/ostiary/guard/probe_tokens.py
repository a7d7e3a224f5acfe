"""Access tokens of probe accounts, as last good mints them: what a journey of a service shows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.in_use import EVERYTHING
from ostiary.watch.journeys.probes import ProbeAccount, ProbeAdmin
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target

OF_DEFAULT_AUDIENCE = replace(EVERYTHING, own_audience=False)
"""The kind of client whose tokens are for the default audience, as those of most applications."""


async def access_token_of(
    account: ProbeAccount, last_good: Target, *, clock: Clock, rng: Random
) -> str:
    """Sign a probe account in at last good and return its access token.

    Raises `AdminApiError` where that does not succeed: like a missing account, it says nothing
    about whatever the token was to be shown to.
    """
    transport = KeptConnections()
    try:
        site = await Site.open(last_good, transport, clock=clock, rng=rng)
        return (await site.actor(account).login()).tokens.access_token
    except StepFailedError as error:
        text = f"Last good gives a probe account no access token: {error}"
        raise AdminApiError("probe_token_unavailable", text) from error
    finally:
        await transport.aclose()


class ProbePerson:
    """One probe account and its access token for all journeys of a run.

    Both are made when a journey first needs them, so that those that do without cost nothing.
    """

    def __init__(self, admin: ProbeAdmin, last_good: Target, *, clock: Clock, rng: Random) -> None:
        self._admin = admin
        self._last_good = last_good
        self._clock, self._rng = clock, rng
        self._making = asyncio.Lock()
        self._account: ProbeAccount | None = None
        self._token: str | None = None

    @asynccontextmanager
    async def account(self) -> AsyncIterator[ProbeAccount]:
        """Provide the account; raises `AdminApiError`. It stays until the run has ended."""
        async with self._making:
            if self._account is None:
                self._account = await self._admin.create(kind=OF_DEFAULT_AUDIENCE)
        yield self._account

    async def access_token(self, account: ProbeAccount) -> str:
        """Return the token of the account; raises `AdminApiError`."""
        async with self._making:
            if self._token is None:
                self._token = await access_token_of(
                    account, self._last_good, clock=self._clock, rng=self._rng
                )
        return self._token

    async def forget(self) -> None:
        """Delete the account, if one was made. What cannot be deleted is left to a sweep."""
        if self._account is not None:
            try:
                await self._admin.delete(self._account)
            except AdminApiError:
                return


@asynccontextmanager
async def probe_person(
    admin: Callable[[], ProbeAdmin], last_good: Target, *, clock: Clock, rng: Random
) -> AsyncIterator[ProbePerson]:
    """Provide somebody for one run of journeys."""
    async with admin() as opened:
        person = ProbePerson(opened, last_good, clock=clock, rng=rng)
        try:
            yield person
        finally:
            await person.forget()
