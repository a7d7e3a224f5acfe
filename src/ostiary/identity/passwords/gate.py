"""The gate before every password hash: so many at once, so many waiting, the rest sent away.

It decides and nothing else: `hash_pool` makes the hashes, in processes that stand back behind the
replica, so that tokens are checked while passwords are hashed.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ostiary.identity.passwords.admission import (
    Admission,
    GateLimits,
    Priority,
    admit,
    next_served,
)
from ostiary.identity.passwords.claims import Claim, fair
from ostiary.identity.passwords.counts import GateCounts
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError

T = TypeVar("T")

WAIT_SECONDS_MAX = 1.0
"""Longest wait for a hash. With the hash itself it stays well below the edge's time-out for one
attempt (2 s), so that the answer 503 arrives and another replica can be asked."""

_SMOOTHING = 0.1
_SURPRISE_MAX = 2.0
"""One hash counts for at most so many usual ones. One that stood still with its machine would
otherwise have others sent away who could be served; what has become slow is learnt all the same."""
_RETRY_AFTER_SECONDS = {Priority.KNOWN: 1, Priority.OTHER: 3, Priority.SUSPECT: 10}


class OverloadedError(OstiaryError):
    """No password can be checked right now. `retry_after_seconds` says when to come back."""

    def __init__(self, priority: Priority) -> None:
        super().__init__(
            "overloaded",
            "Many people are signing in right now.",
            hint="Try again in a few seconds.",
        )
        self.retry_after_seconds = _RETRY_AFTER_SECONDS[priority]


class _Job:
    """One hash that is wanted: for whom, since when, and whether its turn has come."""

    __slots__ = ("arrived", "claim", "decided", "shed")

    def __init__(self, claim: Claim, arrived: float) -> None:
        self.claim, self.arrived = claim, arrived
        self.decided = threading.Event()
        self.shed: OverloadedError | None = None


class HashGate:
    """Lets hashes run within its limits, each in the thread that wants it. Thread-safe."""

    def __init__(self, limits: GateLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        # Whoever waits is let in by those who leave, so that nobody waits while a slot is free.
        self._queue: list[_Job] = []
        self._running: list[_Job] = []
        self._turn = 0
        self._mean_seconds = 0.0
        self._counts = GateCounts()

    def counts(self) -> GateCounts:
        """Return what was done so far, as of one moment."""
        with self._lock:
            counts = self._counts
            return GateCounts(
                len(self._queue),
                len(self._running),
                counts.hash_seconds,
                counts.wait_seconds,
                dict(counts.hashed),
                dict(counts.shed),
            )

    def require_room(self, best: Priority) -> None:
        """Raise `OverloadedError` when even as `best` a request would be sent away now.

        Asked before anything is read: in a flood most requests end here, at the least cost.
        """
        with self._lock:
            if not self._admission(best).admitted:
                raise self._shed(best)

    def run(self, work: Callable[[], T], claim: Claim) -> T:
        """Return what `work` returns, after as long a wait as the limits allow.

        Raises `OverloadedError` when it is not run, and what `work` raises.
        """
        job = self._enter(claim)
        if not job.decided.wait(self._limits.wait_seconds_max):
            self._leave(job)
        if job.shed is not None:
            raise job.shed
        began = self._clock.monotonic()
        try:
            return work()
        finally:
            self._finish(job, began, self._clock.monotonic())

    def _enter(self, claim: Claim) -> _Job:
        with self._lock:
            holding = [each.claim for each in (*self._queue, *self._running)]
            stands = fair(claim, holding, queue=self._limits.queue)
            if stands is None:
                raise self._shed(claim.priority)
            admission = self._admission(stands.priority)
            if not admission.admitted:
                raise self._shed(stands.priority)
            if admission.evicted is not None:
                self._send_away(self._queue[admission.evicted])
            job = _Job(stands, self._clock.monotonic())
            self._queue.append(job)
            self._let_in()
            return job

    def _let_in(self) -> None:
        """Give the slots that are free to those whose turn it is."""
        while self._queue and len(self._running) < self._limits.slots:
            self._turn += 1
            waiting = [each.claim.priority for each in self._queue]
            job = self._queue.pop(next_served(waiting, self._turn))
            self._running.append(job)
            job.decided.set()

    def _admission(self, newcomer: Priority) -> Admission:
        """Decide on a newcomer; a slot that is about to be taken is a place as well."""
        idle = self._limits.slots - len(self._running)
        limits = replace(self._limits, queue=self._limits.queue + idle)
        waiting = [job.claim.priority for job in self._queue]
        return admit(waiting, newcomer, limits, hash_seconds=self._mean_seconds)

    def _leave(self, job: _Job) -> None:
        """Give up a place in the queue that took too long, unless the turn has just come."""
        with self._lock:
            if job in self._queue:
                self._send_away(job)

    def _send_away(self, job: _Job) -> None:
        self._queue.remove(job)
        job.shed = self._shed(job.claim.priority)
        job.decided.set()

    def _shed(self, priority: Priority) -> OverloadedError:
        self._counts.shed[priority] += 1
        return OverloadedError(priority)

    def _finish(self, job: _Job, began: float, ended: float) -> None:
        seconds = ended - began
        with self._lock:
            self._running.remove(job)
            counts = self._counts
            counts.hashed[job.claim.priority] += 1
            counts.hash_seconds += seconds
            counts.wait_seconds += began - job.arrived
            mean = self._mean_seconds or seconds
            counted = min(seconds, _SURPRISE_MAX * mean)
            self._mean_seconds = mean + _SMOOTHING * (counted - mean)
            self._let_in()
