"""Keeping the logs of a data directory from filling its disk."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ostiary.guard.patience import Rhythm, keep_doing
from ostiary.guard.threads import in_thread
from ostiary.kernel.journal import Journal
from ostiary.runtime.log_rotation import LOG_BYTES_MAX, rotate

_LOOKS = Rhythm(every=5.0, pause_max=600.0)
_LOGS = ("guard.log", "replicas/*.log", "edge/envoy-*.log")


@dataclass(frozen=True, slots=True)
class LogKeeper:
    """Rotates the logs of guard, Envoys and replicas by size, whoever writes them."""

    data: Path
    journal: Journal
    bytes_max: int = LOG_BYTES_MAX

    async def run(self) -> None:
        """Look for ever. Raises `JournalError`."""
        await keep_doing(self.look, _LOOKS, what="logs", journal=self.journal)

    async def look(self) -> None:
        """Look once at all; raises `OSError` where a log can be neither copied nor cut."""
        problems: list[OSError] = []
        for pattern in _LOGS:
            for log in self.data.glob(pattern):
                try:
                    await in_thread(partial(rotate, log, bytes_max=self.bytes_max))
                except OSError as problem:
                    problems.append(problem)
        if problems:
            raise problems[0]
