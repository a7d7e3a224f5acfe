"""A token that last good mints ahead, so that it has expired when a rehearsal needs one.

Waiting for an expiry is the longest part of a rehearsal. The candidates' own check is tried by any
token of this service; that they write the right time into theirs is seen at every sign-in.
"""

import asyncio
from collections.abc import Callable

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.token_refusals import ShortLived, mint_short_lived
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target


class MintedAhead:
    """At most one token at a time, with the probe account that it was minted for."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self._minting: asyncio.Task[ShortLived | None] | None = None

    def begin(self, open_admin: Callable[[], ProbeAdmin], target: Target) -> None:
        """Mint a token at `target`, which should be last good, while other things go on."""
        self._minting = asyncio.create_task(self._mint(open_admin, target))

    async def take(self) -> ShortLived | None:
        """Return the token, once; its account is the caller's to delete.

        None where none was asked for or none could be had: then the rehearsal mints its own, and
        finds out what is wrong.
        """
        minting, self._minting = self._minting, None
        return None if minting is None else await minting

    async def forget(self, admin: ProbeAdmin) -> None:
        """Delete the account of a token that nobody took; raises `AdminApiError`."""
        unused = await self.take()
        if unused is not None:
            await admin.delete(unused.account)

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
