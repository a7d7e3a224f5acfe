"""Whether it is worth asking the store, so that nobody waits in line for one that is away.

After a wait that came to nothing, requests fail at once, and one thread goes on asking. It waits
a random time between two tries, longer after each one, so that many replicas do not come back
together. When the store answers, everything goes on; nothing has to be restarted.
"""

import threading
from collections.abc import Callable

import structlog

from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random

_LOG = structlog.get_logger("ostiary.identity.store")
_PAUSE_SECONDS_MIN, _PAUSE_SECONDS_MAX = 0.1, 1.0


class Availability:
    """What is known of one way of using a store: reading it, or writing it. Thread-safe."""

    def __init__(self, name: str, probe: Callable[[], None], *, clock: Clock, rng: Random) -> None:
        """`probe` uses the store once, in bounded time; raises `StoreUnavailableError`."""
        self._name = name
        self._probe = probe
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._answered_at = float("-inf")
        self._away_because: str | None = None

    @property
    def is_away(self) -> bool:
        """Return whether requests fail at once for now."""
        return self._away_because is not None

    def require(self) -> float:
        """Return the time at which an attempt begins; raise `StoreUnavailableError` while away."""
        because = self._away_because
        if because is not None:
            raise StoreUnavailableError(f"{self._name} given up for now: {because}")
        return self._clock.monotonic()

    def answered(self) -> None:
        """Take note that the store has just answered."""
        self._answered_at = self._clock.monotonic()

    def waited_in_vain(self, began: float, because: str) -> None:
        """Give the store up for now, unless it has answered anybody since `began`.

        One that answers others is there: the wait was for a row, a lock or a free connection.
        """
        with self._lock:
            if self._away_because is not None or self._answered_at >= began:
                return
            if self._closed.is_set():
                return
            self._away_because = because
        _LOG.error("store away", use=self._name, cause=because)
        threading.Thread(
            target=self._ask_until_it_answers, name=f"store-probe-{self._name}", daemon=True
        ).start()

    def close(self) -> None:
        """Stop asking."""
        self._closed.set()

    def _ask_until_it_answers(self) -> None:
        pause, began = _PAUSE_SECONDS_MIN, self._clock.monotonic()
        while not self._closed.wait(pause * (0.5 + self._rng.uniform())):
            try:
                self._probe()
            except StoreUnavailableError as error:
                self._away_because = error.detail
                pause = min(2 * pause, _PAUSE_SECONDS_MAX)
                continue
            except Exception:  # noqa: BLE001 - a thread that ended would give the store up for ever
                _LOG.exception("store probe failed", use=self._name)
                continue
            self.answered()
            self._away_because = None
            seconds = round(self._clock.monotonic() - began, 1)
            _LOG.info("store answers again", use=self._name, seconds=seconds)
            return
