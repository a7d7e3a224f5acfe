"""Testing for ever whether the last good replicas get the shares that they are meant to get.

They do not when somebody edits the edge's files beside the guard, or an Envoy did not take what
was written. Writing the edge again is the cure for both; where it does not help, that is said and
not tried again quickly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log
from typing import Any

from ostiary.changes.evidence.shares import HARMLESS_RATIO, largest_excess, shares_log_e
from ostiary.guard import history as events
from ostiary.guard.patience import Rhythm, keep_doing
from ostiary.guard.plane import DataPlane
from ostiary.guard.spread import Look, between, look
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica

_THRESHOLD = -log(1e-8)
"""In a system that spreads well, one false alarm in more than ten years of looks."""

_EVEN_REQUESTS = 100
_BLOCK_REQUESTS = 2_000
_BLOCK_SECONDS = 600.0
_PAUSE_SECONDS = 60.0
_PAUSE_SECONDS_MAX = 3_600.0
_LOOKS = Rhythm(4.0, 30.0)


@dataclass(frozen=True, slots=True)
class Block:
    """First attempts by seat since `since`, in monotonic seconds; then a new bet begins.

    What was even for a long time would otherwise hide for a long time that it no longer is.
    """

    since: float
    counts: tuple[int, ...]

    def plus(self, counts: tuple[int, ...]) -> "Block":
        """Return the block with more requests."""
        added = tuple(a + b for a, b in zip(self.counts, counts, strict=True))
        return replace(self, counts=added)

    def is_lopsided(self, intended: tuple[float, ...]) -> bool:
        """Return whether somebody surely gets a good deal more than the intended share."""
        if largest_excess(self.counts, intended)[1] < HARMLESS_RATIO:
            return False
        return shares_log_e(self.counts, intended) >= _THRESHOLD

    def is_even(self, intended: tuple[float, ...]) -> bool:
        """Return whether enough was seen to say that all is well."""
        enough = sum(self.counts) >= _EVEN_REQUESTS
        return enough and largest_excess(self.counts, intended)[1] < HARMLESS_RATIO

    def is_over(self, intended: tuple[float, ...], now: float) -> bool:
        """Return whether nothing speaks against the shares and the next block may begin."""
        full = sum(self.counts) >= _BLOCK_REQUESTS or now - self.since >= _BLOCK_SECONDS
        harmless = largest_excess(self.counts, intended)[1] < HARMLESS_RATIO
        return full and (harmless or shares_log_e(self.counts, intended) < 0.0)


class ShareWatch:
    """Keeps the bet on the shares of the stable group, and has a lopsided edge written again."""

    def __init__(
        self,
        plane: DataPlane,
        answered: Callable[[Replica], bool],
        *,
        journal: Journal,
        clock: Clock,
    ) -> None:
        """`answered` says whether a replica answered its latest probe well."""
        self._plane = plane
        self._answered = answered
        self._journal = journal
        self._clock = clock
        self._before: Look | None = None
        self._judged = ""
        self._block: Block | None = None
        self._lopsided: dict[str, Any] | None = None
        self._pause = _PAUSE_SECONDS
        self._next_write = 0.0

    async def run(self) -> None:
        """Look for ever; raises `JournalError`."""
        await keep_doing(self.look, _LOOKS, what="edge", journal=self._journal)

    async def look(self) -> None:
        """Look once, and have the edge written where it is lopsided and that is due."""
        now = await look(self._plane, self._answered)
        before, self._before = self._before, now
        intended = self._plane.models.served(self._plane.last_good).intended_shares(
            len(now.members)
        )
        if self._judged != self._plane.last_good:
            self._judged, self._block, self._lopsided = self._plane.last_good, None, None
        if before is None or intended is None or len(before.members) != len(now.members):
            self._block = None
            return
        spread = between(before, now)
        if spread.stable_undisturbed:
            await self._judge(spread.stable, intended, now)

    def report(self) -> dict[str, Any]:
        """Return for operators how requests are spread and whether that is as intended."""
        plane = self._plane
        served, seats = plane.models.served(plane.last_good), plane.models.seats(plane.last_good)
        is_known = self._block is not None and self._judged == plane.last_good
        counts = self._block.counts if self._block is not None and is_known else ()
        return {
            "balancer": served.balancer.value,
            "intended_shares": served.intended_shares(seats),
            "counted": list(counts),
            "lopsided": self._lopsided,
        }

    async def _judge(self, counts: tuple[int, ...], intended: tuple[float, ...], now: Look) -> None:
        seconds = self._clock.monotonic()
        block = (self._block or Block(seconds, (0,) * len(counts))).plus(counts)
        self._block = block
        if block.is_lopsided(intended):
            await self._put_back(block, intended, now)
        elif block.is_even(intended):
            self._lopsided = None
        if self._block is block and block.is_over(intended, seconds):
            self._block = None
            if self._lopsided is None:
                self._pause = _PAUSE_SECONDS

    async def _put_back(self, block: Block, intended: tuple[float, ...], now: Look) -> None:
        seat, _ = largest_excess(block.counts, intended)
        replica = now.members[seat]
        share = block.counts[seat] / sum(block.counts)
        since = to_rfc3339(self._clock.now()) if self._lopsided is None else self._lopsided["since"]
        self._lopsided = {
            "since": since,
            "seat": seat,
            "replica": None if replica is None else replica.name,
            "share": round(share, 4),
            "intended_share": round(intended[seat], 4),
            "requests": sum(block.counts),
        }
        seconds = self._clock.monotonic()
        if seconds < self._next_write:
            return
        self._next_write = seconds + self._pause
        self._pause = min(2 * self._pause, _PAUSE_SECONDS_MAX)
        message = (
            f"Seat {seat} gets {share:.0%} of the requests, not {intended[seat]:.0%}; "
            "the edge is written again."
        )
        data = {**self._lopsided, "message": message}
        self._journal.append(events.EDGE_LOPSIDED, self._plane.last_good, data)
        self._block = None
        await self._plane.refresh()
