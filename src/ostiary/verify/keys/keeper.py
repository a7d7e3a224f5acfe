"""Keeping the keys fresh: one thread fetches, everybody else reads what it last found.

No request ever fetches. One that misses a key asks the thread to do so now, together with all
others that do, and may wait for it.
"""

import logging
import os
import weakref
from concurrent.futures import Future
from threading import Condition, Thread

from ostiary.verify.clock import Clock
from ostiary.verify.keys.fetching import FetchFailedError
from ostiary.verify.keys.key_set import KeySet
from ostiary.verify.keys.source import IssuerKeys
from ostiary.verify.keys.state import (
    KeyState,
    Pace,
    after_failure,
    after_success,
    may_ask,
    retry_after_seconds,
)

_logger = logging.getLogger("ostiary.verify")
_WAIT_SECONDS_MAX = 3_600.0


class KeyKeeper:
    """The keys of one issuer, kept fresh by a thread of its own. Thread-safe.

    The thread starts with the first use, and again in each process that was forked since.
    """

    def __init__(self, source: IssuerKeys, *, clock: Clock, pace: Pace) -> None:
        self._source = source
        self._clock = clock
        self._pace = pace
        self._state = KeyState()
        self._closed = False
        self._after_fork()
        _KEEPERS.add(self)

    def _after_fork(self) -> None:
        """Begin without thread and lock: those of the parent are not here."""
        self._changed = Condition()
        self._thread: Thread | None = None
        self._attempt: Future[None] | None = None

    def current(self) -> KeySet | None:
        """Return the keys that tokens may be checked with, or None."""
        if self._thread is None:
            self.start()
        return self._state.usable(self._clock.monotonic())

    def start(self) -> None:
        """See to it that keys are fetched from now on. It does not wait for them."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._run, name="ostiary-verify-keys", daemon=True)
                self._thread.start()

    def ask(self) -> "Future[None] | None":
        """Have the keys fetched now, for a request that misses one.

        The result comes when the attempt has ended, however it did; requests that ask meanwhile get
        the same. None where it is too early for another attempt.
        """
        self.start()
        with self._changed:
            if self._closed:
                return None
            if self._attempt is None:
                if not may_ask(self._state, now=self._clock.monotonic(), pace=self._pace):
                    return None
                self._attempt = Future()
                self._changed.notify_all()
            return self._attempt

    @property
    def is_certain(self) -> bool:
        """Return whether the last attempt brought the keys, and no other is under way."""
        return self._attempt is None and self._state.failures == 0

    def retry_after_seconds(self) -> int:
        """Return whole seconds after which it is worth asking again."""
        return retry_after_seconds(self._state, now=self._clock.monotonic())

    def close(self) -> None:
        """Fetch nothing any more. It does not wait for an attempt that is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (attempt := self._next_attempt()) is not None:
            self._make(attempt)

    def _next_attempt(self) -> "Future[None] | None":
        """Wait until it is time, or somebody asks; None once this is closed."""
        with self._changed:
            while not self._closed and (wait := self._seconds_to_wait()) > 0:
                self._changed.wait(wait)
            if not self._closed:
                self._attempt = self._attempt or Future()
                return self._attempt
            asked, self._attempt = self._attempt, None
        if asked is not None:
            asked.set_result(None)
        return None

    def _seconds_to_wait(self) -> float:
        if self._attempt is not None:
            return 0.0
        return min(self._state.next_attempt_at - self._clock.monotonic(), _WAIT_SECONDS_MAX)

    def _make(self, attempt: "Future[None]") -> None:
        """Fetch once, note what came of it, and tell who waits."""
        try:
            fetched = self._source.fetch()
        except FetchFailedError as error:
            self._note_failure(str(error))
        except Exception as error:  # noqa: BLE001 - without this thread no key would come any more
            self._note_failure(f"fetching failed by {type(error).__name__}, which is a bug")
        else:
            if self._state.failures:
                _logger.warning("The issuer's keys can be had again.")
            self._state = after_success(
                self._state,
                fetched.keys,
                fetched.max_age_seconds,
                now=self._clock.monotonic(),
                pace=self._pace,
            )
        with self._changed:
            self._attempt = None
        attempt.set_result(None)

    def _note_failure(self, reason: str) -> None:
        now = self._clock.monotonic()
        self._state = after_failure(self._state, now=now, pace=self._pace)
        remaining = max(0, int(self._state.usable_until - now)) if self._state.keys else 0
        _logger.warning(
            "The issuer's keys could not be fetched: %s. %s",
            reason,
            f"Those from before count for {remaining} s more."
            if remaining
            else "There are none, so requests with tokens are answered 503.",
        )


_KEEPERS: "weakref.WeakSet[KeyKeeper]" = weakref.WeakSet()


def _forget_threads_of_the_parent() -> None:
    for keeper in _KEEPERS:
        keeper._after_fork()  # noqa: SLF001 - the fork is noticed for the whole module


os.register_at_fork(after_in_child=_forget_threads_of_the_parent)
