"""Keeping the logs of a data directory from filling its disk."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ostiary.guard import history as events
from ostiary.guard.patience import Patience
from ostiary.guard.threads import in_thread
from ostiary.kernel.journal import Journal
from ostiary.runtime.log_rotation import LOG_BYTES_MAX, rotate

_LOOK_SECONDS = 5.0
_PAUSE_SECONDS_MAX = 600.0
_LOGS = ("guard.log", "replicas/*.log", "edge/envoy-*.log")


@dataclass(frozen=True, slots=True)
class LogKeeper:
    """Rotates the logs of guard, Envoys and replicas by size, whoever writes them."""

    data: Path
    journal: Journal
    bytes_max: int = LOG_BYTES_MAX

    async def run(self) -> None:
        """Look for ever. Raises `JournalError`."""
        patience = Patience(_PAUSE_SECONDS_MAX)
        while True:
            pause = _LOOK_SECONDS
            try:
                await self.look()
                patience.succeeded()
            except OSError as error:
                pause, is_news = patience.failed(str(error))
                if is_news:
                    data = {"what": "logs", "message": str(error)}
                    self.journal.append(events.SUPERVISION_FAILED, None, data)
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Look once; raises `OSError` where a log can be neither copied nor cut."""
        for pattern in _LOGS:
            for log in self.data.glob(pattern):
                await in_thread(partial(rotate, log, bytes_max=self.bytes_max))
