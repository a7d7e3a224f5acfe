"""How often a member of a group is started again, and when: back-off without blame.

A seat is a place in a group, whoever sits in it. Its streak counts lives that were too short. A
member that is killed after a long life is followed at once; one that dies again and again is
followed ever later, and its neighbours' seats know nothing of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError
from ostiary.runtime.ports import Replica, ReplicaFailedError

LOG_LINES = 5
"""So many of a replica's last words are kept."""

STEADY_SECONDS = 60.0
"""After such a life a streak is over."""

SHORT_SECONDS = 10.0
"""A life shorter than this makes a streak longer."""

_PAUSE_SECONDS_MIN = 0.5
_PAUSE_SECONDS_MAX = 30.0
_PAUSE_SECONDS_MAX_ALONE = 5.0
_CALM_SECONDS = 600.0
_REPLACED_PAUSE_SECONDS_MIN = 5.0
_REPLACED_PAUSE_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class LastExit:
    """How the member before ended: when (RFC 3339), by what, and its last words."""

    at: str
    how: str
    log: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as it is shown to operators."""
        return {"at": self.at, "how": self.how, "log": list(self.log)}


@dataclass(frozen=True, slots=True)
class Seat:
    """One place in a group. Times are monotonic seconds.

    `since` is when its member got ready or, in an empty seat, when the last one ended. `number` is
    the seat's own, from 0, by which it has its weight at the edge.
    """

    since: float
    number: int = 0
    restarts: int = 0
    streak: int = 0
    last_exit: LastExit | None = None

    def vacated(self, now: float, last_exit: LastExit) -> "Seat":
        """Return the empty seat of a member that served and then ended."""
        lived = now - self.since
        streak = self.streak
        if lived >= STEADY_SECONDS:
            streak = 0
        elif lived < SHORT_SECONDS:
            streak += 1
        return replace(self, since=now, streak=streak, last_exit=last_exit)

    def failed(self, now: float, last_exit: LastExit) -> "Seat":
        """Return the empty seat of a member that did not even get ready."""
        return replace(
            self,
            since=now,
            streak=self.streak + 1,
            restarts=self.restarts + 1,
            last_exit=last_exit,
        )

    def taken(self, now: float) -> "Seat":
        """Return the seat with a new member in it."""
        return replace(self, since=now, restarts=self.restarts + 1)

    def due_in(self, now: float, *, alone: bool) -> float:
        """Return in how many seconds an empty seat may be filled; 0 or less means now.

        `alone` says that no other member serves: users are waiting, so the pauses stay short.
        """
        if self.streak == 0:
            return 0.0
        most = _PAUSE_SECONDS_MAX_ALONE if alone else _PAUSE_SECONDS_MAX
        # The exponent is bounded, because a streak is not.
        pause = min(_PAUSE_SECONDS_MIN * 2.0 ** min(self.streak - 1, 10), most)
        return self.since + pause - now


def empty_seats(count: int, taken: Collection[int], missing: int, now: float) -> list[Seat]:
    """Return so many new empty seats of a group of `count`, with the lowest free numbers."""
    free = [number for number in range(count) if number not in taken]
    return [Seat(now, number) for number in free[: max(missing, 0)]]


def seated(replicas: Sequence[Replica], count: int) -> list[Replica]:
    """Return the replicas that were found running, with a seat of their own for each.

    A guard that died between a replica and its successor leaves two with one number, and older
    versions wrote none; one that is more than needed keeps its number until it goes.
    """
    if len(replicas) > count:
        return list(replicas)
    free = [number for number in range(count) if number not in {one.seat for one in replicas}]
    found: dict[int, Replica] = {}
    for replica in replicas:
        seat = free.pop(0) if replica.seat in found or replica.seat >= count else replica.seat
        found[seat] = replace(replica, seat=seat)
    return list(found.values())


def one_too_many(replicas: Sequence[Replica]) -> Replica:
    """Return who is to go where there are more than seats: one whose seat has two, or the first."""
    seats = [each.seat for each in replicas]
    return next((each for each in replicas if seats.count(each.seat) > 1), replicas[0])


@dataclass(frozen=True, slots=True)
class Replacements:
    """How members of one group were replaced that ran: often in a row helps nobody.

    A limit that is set too low, or a machine that is too slow for the probes, would otherwise keep
    a group busy with starting. `latest` is in monotonic seconds, None before the first.
    """

    latest: float | None = None
    in_row: int = 0

    def one_more(self, now: float) -> "Replacements":
        """Return what is known after another one at `now`."""
        is_soon = self.latest is not None and now - self.latest < _CALM_SECONDS
        return Replacements(now, self.in_row + 1 if is_soon else 1)

    def allowed(self, now: float) -> bool:
        """Return whether the next one may begin."""
        if self.latest is None:
            return True
        pause = _REPLACED_PAUSE_SECONDS_MIN * 2.0 ** min(self.in_row - 1, 10)
        return now - self.latest >= min(pause, _REPLACED_PAUSE_SECONDS_MAX)


def failed_start(error: OstiaryError | OSError, clock: Clock) -> LastExit:
    """Return how a replica ended that did not get ready."""
    lines = error.log_lines if isinstance(error, ReplicaFailedError) else []
    words = error.message if isinstance(error, OstiaryError) else str(error)
    return LastExit(to_rfc3339(clock.now()), words, tuple(lines[-LOG_LINES:]))


def restarts(seat: Seat | None) -> dict[str, Any]:
    """Return how often a member's place was filled anew, and how the one before ended."""
    last_exit = None if seat is None or seat.last_exit is None else seat.last_exit.to_json()
    return {"restarts": 0 if seat is None else seat.restarts, "last_exit": last_exit}
