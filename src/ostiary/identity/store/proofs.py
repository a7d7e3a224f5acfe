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
_STRIPES = 256


class Proofs(Generic[Value]):
    """The store's last answers of one kind, by key. Thread-safe."""

    def __init__(self, clock: Clock, *, seconds: float, entries_max: int = ENTRIES_MAX) -> None:
        """`seconds` is how long an answer counts; with 0 nothing is remembered."""
        self._clock = clock
        self._seconds = seconds
        self._entries_max = entries_max
        self._entries: OrderedDict[str, tuple[float, Value]] = OrderedDict()
        self._lock = threading.Lock()
        # How often something was forgotten, by parts of the keys: exact numbers for each key
        # would never be forgotten themselves, and one for all would let anybody spoil it for all.
        self._forgotten = [0] * _STRIPES

    def moment(self, key: str) -> int:
        """Return when it is, as far as `remember` needs to know; to be asked before the store."""
        return self._forgotten[hash(key) % _STRIPES]

    def remember(self, key: str, value: Value, *, since: int) -> None:
        """Keep what the store answered to a question asked at the moment `since`.

        Nothing is kept where the key was forgotten meanwhile: the answer may be from before.
        """
        if self._seconds <= 0:
            return
        entry = (self._clock.monotonic(), value)
        with self._lock:
            if self.moment(key) != since:
                return
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
        """Forget one answer, and those that are on their way."""
        with self._lock:
            self._forgotten[hash(key) % _STRIPES] += 1
            self._entries.pop(key, None)

    def forget_where(self, applies: Callable[[Value], bool]) -> None:
        """Forget all answers to which a condition applies, and any that are on their way."""
        with self._lock:
            self._forgotten = [count + 1 for count in self._forgotten]
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
