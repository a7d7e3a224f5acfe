"""What the guard does now and then: look for drift, and remove what nothing needs."""

import asyncio
from collections.abc import Callable, Iterable

from ostiary.guard.drift import DriftWatch
from ostiary.guard.history import History
from ostiary.guard.retention import Retention

_LOOK_SECONDS = 15.0
_LOOKS_PER_TIDYING = 20


class Upkeep:
    """Runs for as long as the guard; `history` and `served` say what is needed at a moment."""

    def __init__(
        self,
        drift: DriftWatch,
        retention: Retention,
        *,
        history: Callable[[], History],
        served: Callable[[], Iterable[str]],
    ) -> None:
        self.drift = drift
        self._retention = retention
        self._history = history
        self._served = served

    async def run(self) -> None:
        """Look for ever. Raises `JournalError`: a guard that cannot write must not go on."""
        looks = 0
        while True:
            await self.drift.look()
            if looks % _LOOKS_PER_TIDYING == 0:
                await self._retention.tidy(self._history(), self._served())
            looks += 1
            await asyncio.sleep(_LOOK_SECONDS)
