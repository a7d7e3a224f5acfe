"""The lease port: a canary is routed to only while a guard that works says so.

Envoy's health checks of canary endpoints come here instead of to the release, because a release
cannot be trusted to enforce its own lease. The answer is 200 for the current change and epoch
while the guard's loop has completed lately and its own probe of the replica was answered, and an
error for everything else. A guard that hangs, dies or restarts answers no old epoch, and the edge
drains the canary by itself.
"""

import asyncio
import math
from collections.abc import Collection
from dataclasses import dataclass

from ostiary.kernel.clock import Clock

_REQUEST_BYTES_MAX = 8_192
_IDLE_SECONDS_MAX = 30
_HOST = b"\r\nhost:"


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """Which canary may serve: one change, in one epoch of the guard."""

    change: str
    epoch: str

    @property
    def path(self) -> str:
        """Return the path that the edge's health checks ask for."""
        return f"/lease/{self.change}/{self.epoch}"


class LeaseServer:
    """Answers the edge's health checks of the canary.

    `renew` is called by the guard's loop each time it has read, decided and journalled; a lease
    that has not been renewed for `seconds_max` (monotonic) is not answered for. A health check
    names its replica as `Host`, so a single one can be left out.
    """

    def __init__(self, clock: Clock, *, seconds_max: float) -> None:
        self._clock = clock
        self._seconds_max = seconds_max
        self._terms: LeaseTerms | None = None
        self._renewed_at = 0.0
        self._ends_at = math.inf
        self._silent: frozenset[str] = frozenset()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen on a port, a free one where none is given, and return it."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_REQUEST_BYTES_MAX)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening; from now on the canary drains."""
        self._terms = None
        if self._server is not None:
            self._server.close()

    def grant(self, terms: LeaseTerms) -> None:
        """Answer for this change and epoch from now on, and for nothing else."""
        self._terms = terms
        self._ends_at = math.inf
        self.renew()

    def withdraw(self, *, after: float = 0.0) -> None:
        """Answer for nothing from `after` seconds on; a withdrawal is never put off by a later one.

        Meanwhile the lease has to be renewed as before.
        """
        self._ends_at = min(self._ends_at, self._clock.monotonic() + after)

    def renew(self, silent: Collection[str] = ()) -> None:
        """State that the guard's loop has just completed, and which replicas did not answer it."""
        self._silent = frozenset(silent)
        self._renewed_at = self._clock.monotonic()

    def answers(self, path: str, replica: str = "") -> bool:
        """Return whether the lease at this path holds now for the replica of this name."""
        if self._terms is None or path != self._terms.path or replica in self._silent:
            return False
        now = self._clock.monotonic()
        return now < self._ends_at and now - self._renewed_at <= self._seconds_max

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_SECONDS_MAX)
                parts = head.split(b" ", 2)
                path = parts[1].decode("latin-1") if len(parts) == 3 else ""  # noqa: PLR2004
                holds = self.answers(path, _host(head))
                status = b"200 OK" if holds else b"503 Service Unavailable"
                writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError):
            return  # The edge closed the connection, or sent what no health check sends.
        finally:
            writer.close()


def _host(head: bytes) -> str:
    """Return the value of the `Host` header; nothing where there is none."""
    at = head.lower().find(_HOST)
    value = head[at + len(_HOST) :].partition(b"\r")[0] if at >= 0 else b""
    return value.strip().decode("latin-1")
