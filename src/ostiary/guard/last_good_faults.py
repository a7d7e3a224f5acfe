"""Looking at last good by itself when a change begins, before its candidates can touch anything."""

import asyncio
from collections.abc import Callable

from ostiary.guard.probe_pool import ProbePool
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.known_faults import NONE_KNOWN, KnownFaults, look_for_faults
from ostiary.watch.relying_party.target import Target

_SECONDS_MAX = 20.0
"""A last good that hangs is hung up on; then nothing of it is known, and nothing set aside."""


class LastGoodFaults:
    """At most one look at a time; what it found is kept until the change has ended."""

    def __init__(
        self, pool: ProbePool, last_good: Callable[[], Target], clock: Clock, rng: Random
    ) -> None:
        self._pool = pool
        self._last_good = last_good
        self._clock = clock
        self._rng = rng
        self._looking: asyncio.Task[KnownFaults] | None = None

    def begin(self) -> None:
        """Begin to look while other things go on."""
        self._looking = asyncio.create_task(self._look())

    async def seen(self) -> KnownFaults:
        """Return what was found, after waiting for it; nothing where nobody looked."""
        return NONE_KNOWN if self._looking is None else await self._looking

    @property
    def known(self) -> KnownFaults:
        """Return what was found; nothing while that is not known yet."""
        done = self._looking is not None and self._looking.done()
        return self._looking.result() if self._looking is not None and done else NONE_KNOWN

    async def forget(self) -> None:
        """Stop looking, and know nothing any more."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self) -> KnownFaults:
        try:
            async with asyncio.timeout(_SECONDS_MAX):
                accounts = await self._pool.ready()
                # Of these one whose tokens are for the default audience.
                account = next(each for each in accounts if each.audience is None)
                return await look_for_faults(
                    self._last_good(), account, clock=self._clock, rng=self._rng
                )
        except (AdminApiError, TimeoutError):
            return NONE_KNOWN
