"""The gate before every password hash: so many at once, so many waiting, the rest sent away.

Hashes run on threads of their own, which Linux lets stand back behind all others: a token is
checked while passwords are hashed. The threads come when they are needed and go when they are not.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
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
from ostiary.identity.passwords.niceness import stand_back
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError

T = TypeVar("T")

WAIT_SECONDS_MAX = 1.0
"""Longest wait for a hash. With the hash itself it stays well below the edge's time-out for one
attempt (2 s), so that the answer 503 arrives and another replica can be asked."""

_IDLE_SECONDS = 10.0
_SMOOTHING = 0.1
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
    """One hash that is wanted: what to do, for whom, and how it ended."""

    __slots__ = ("arrived", "claim", "done", "error", "value", "work")

    def __init__(self, work: Callable[[], object], claim: Claim, arrived: float) -> None:
        self.work = work
        self.claim, self.arrived = claim, arrived
        self.done = threading.Event()
        self.value: object = None
        self.error: BaseException | None = None


class HashGate:
    """Runs hashes within its limits. Thread-safe; one per process."""

    def __init__(self, limits: GateLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._work_came = threading.Condition(self._lock)
        self._queue: list[_Job] = []
        self._running: list[_Job] = []
        self._threads = 0
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
        job = self._enter(work, claim)
        if not job.done.wait(self._limits.wait_seconds_max):
            self._leave(job)
            job.done.wait()
        if job.error is not None:
            raise job.error
        return job.value  # type: ignore[return-value] # what `work` returned

    def _enter(self, work: Callable[[], object], claim: Claim) -> _Job:
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
            job = _Job(work, stands, self._clock.monotonic())
            self._queue.append(job)
            self._see_to_a_thread()
            if not self._threads:
                # Nobody would ever serve it.
                self._queue.remove(job)
                raise self._shed(stands.priority)
            self._work_came.notify()
            return job

    def _see_to_a_thread(self) -> None:
        """Start a thread when there is more to do than threads that are free."""
        free = self._threads - len(self._running)
        if len(self._queue) <= free or self._threads >= self._limits.slots:
            return
        thread = threading.Thread(target=self._hash_for_all, name="hash", daemon=True)
        # A system that has no more threads to give leaves the work to those that there are.
        with suppress(RuntimeError, MemoryError):
            thread.start()
            self._threads += 1

    def _admission(self, newcomer: Priority) -> Admission:
        """Decide on a newcomer; a slot that is about to be taken is a place as well."""
        idle = self._limits.slots - len(self._running)
        limits = replace(self._limits, queue=self._limits.queue + idle)
        waiting = [job.claim.priority for job in self._queue]
        return admit(waiting, newcomer, limits, hash_seconds=self._mean_seconds)

    def _leave(self, job: _Job) -> None:
        """Give up a place in the queue that took too long; a hash that runs is waited for."""
        with self._lock:
            if job in self._queue:
                self._send_away(job)

    def _send_away(self, job: _Job) -> None:
        self._queue.remove(job)
        job.error = self._shed(job.claim.priority)
        job.done.set()

    def _shed(self, priority: Priority) -> OverloadedError:
        self._counts.shed[priority] += 1
        return OverloadedError(priority)

    def _hash_for_all(self) -> None:
        stand_back()
        while (job := self._next()) is not None:
            began = self._clock.monotonic()
            try:
                job.value = job.work()
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                job.error = error
            self._finish(job, began, self._clock.monotonic())

    def _next(self) -> _Job | None:
        """Return the next job, or None when there has been none for a while."""
        with self._lock:
            while not self._queue:
                if not self._work_came.wait(_IDLE_SECONDS) and not self._queue:
                    self._threads -= 1
                    return None
            self._turn += 1
            waiting = [each.claim.priority for each in self._queue]
            job = self._queue.pop(next_served(waiting, self._turn))
            self._running.append(job)
            return job

    def _finish(self, job: _Job, began: float, ended: float) -> None:
        seconds = ended - began
        with self._lock:
            self._running.remove(job)
            counts = self._counts
            counts.hashed[job.claim.priority] += 1
            counts.hash_seconds += seconds
            counts.wait_seconds += began - job.arrived
            mean = self._mean_seconds or seconds
            self._mean_seconds = mean + _SMOOTHING * (seconds - mean)
        job.done.set()
