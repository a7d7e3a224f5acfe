"""Who may wait for a password hash, and who is sent away at once.

A hash is the dearest thing that a replica does, so it decides before hashing. The queue is short:
whoever would wait too long hears so at once and can ask elsewhere. When it is full, the least
trusted give way, the youngest of them first. A pure decision; `gate` carries it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """How much speaks for a request, the most trusted first."""

    KNOWN = 0
    """This browser has signed in to this account before."""

    OTHER = 1
    """Nothing is known, and nothing speaks against it."""

    SUSPECT = 2
    """The network or the account has had several failures of late."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Hashes at the same time, requests that may wait for one, and how long, in seconds."""

    slots: int
    queue: int
    wait_seconds_max: float


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a request may wait; `evicted` is the position of the one that gives way to it."""

    admitted: bool
    evicted: int | None = None


_SHED = Admission(admitted=False)
_TURNS_OF_THE_OLDEST = 8


def admit(
    waiting: Sequence[Priority], newcomer: Priority, limits: GateLimits, *, hash_seconds: float
) -> Admission:
    """Decide on a newcomer; `waiting` is in the order of arrival.

    The expected wait is that of all who are served before it, and of one hash that is running.
    """
    ahead = sum(priority <= newcomer for priority in waiting)
    if (ahead + 1) * hash_seconds / limits.slots > limits.wait_seconds_max and ahead:
        return _SHED
    if len(waiting) < limits.queue:
        return Admission(admitted=True)
    least = max(waiting, default=newcomer)
    if least <= newcomer:
        return _SHED
    youngest = max(place for place, priority in enumerate(waiting) if priority is least)
    return Admission(admitted=True, evicted=youngest)


def next_served(waiting: Sequence[Priority], turn: int) -> int:
    """Return the position of the one that is served next: the oldest of the most trusted.

    In every eighth turn it is the oldest of all, so that nobody waits in vain however many come
    who are trusted more.
    """
    if turn % _TURNS_OF_THE_OLDEST == 0:
        return 0
    return min(range(len(waiting)), key=lambda place: (waiting[place], place))
