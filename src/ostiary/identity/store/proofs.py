"""What a replica remembers of the store's answers, for the time in which the store is away.

While the store answers it is always asked, so that revoking something takes effect at once on all
replicas. Only when it does not, what was true a moment ago counts for a limited time.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import Connection

from ostiary.kernel.clock import Clock

Value = TypeVar("Value")

ENTRIES_MAX = 20_000
"""How many answers of one kind a replica keeps; those asked for longest ago go first."""

_ENDED = "ostiary_ended"


class Proofs(Generic[Value]):
    """The store's last answers of one kind, by key. Thread-safe."""

    def __init__(self, clock: Clock, *, seconds: float, entries_max: int = ENTRIES_MAX) -> None:
        """`seconds` is how long an answer counts; with 0 nothing is remembered."""
        self._clock = clock
        self._seconds = seconds
        self._entries_max = entries_max
        self._entries: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, key: str, value: Value) -> None:
        """Keep what the store has just answered."""
        if self._seconds <= 0:
            return
        entry = (self._clock.monotonic(), value)
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)

    def recall(self, key: str) -> Value | None:
        """Return what the store answered last, None where that is unknown or too long ago."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is None or self._clock.monotonic() - entry[0] > self._seconds:
            return None
        return entry[1]

    def forget(self, key: str) -> None:
        """Forget one answer."""
        with self._lock:
            self._entries.pop(key, None)

    def forget_where(self, applies: Callable[[Value], bool]) -> None:
        """Forget all answers to which a condition applies."""
        with self._lock:
            for key in [key for key, entry in self._entries.items() if applies(entry[1])]:
                del self._entries[key]


def note_ended(connection: Connection, subject: str) -> None:
    """Note, inside a write, that a session, user or client of this id is no longer what it was.

    When the write is committed, this replica forgets what it remembers of the subject.
    """
    connection.info.setdefault(_ENDED, []).append(subject)


def take_ended(connection: Connection) -> list[str]:
    """Return what was noted since the last call, for whoever commits or rolls back."""
    ended: list[str] = connection.info.pop(_ENDED, [])
    return ended
