"""How a change of the edge is judged: per replica, against capacity and against intended shares.

Canary and control are the same replicas then, spread differently, so that comparing the arms
would blame or clear both. What counts is whether one replica is driven past what it can do, and
whether the shares are those that were asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import log

from ostiary.changes.evidence.shares import HARMLESS_RATIO, largest_excess, shares_log_e
from ostiary.changes.model import Reason

STRAINED_LOOKS = 3
"""So many looks more, a few seconds apart, at which one replica alone had too much than looks at
which it had not, end a change; so many in a row at which none had let it go on."""

_OVER = 1.1
_MORE = 1.05


@dataclass(frozen=True, slots=True)
class SeatReading:
    """One replica since the look before; rates are sign-ins a second.

    `arm` counts the first attempts that the proposed settings sent to it, `rest` those that the
    settings of last good did. `asked` and `shed` are None where the replica did not tell.
    """

    name: str
    arm: int
    rest: int
    asked: float | None = None
    shed: float | None = None
    capacity: float | None = None

    @property
    def strained(self) -> bool:
        """Return whether it is asked for more than it can do."""
        if self.asked is not None and self.capacity and self.asked > _OVER * self.capacity:
            return True
        return bool(self.shed)


@dataclass(frozen=True, slots=True)
class Balance:
    """What was seen of the replicas, by seat, while the edge spreads requests in a new way.

    `intended` and `former` are the shares by the proposed and by the last good settings; None
    where a balancer intends none. `counted` are first attempts while nothing disturbed them.
    `by_arms` says that the arms are compared as well, because time-outs change too. `strained`
    counts by seat, one up for each look with strain and one down for each without; `calm` counts
    the latest looks of the step without any.
    """

    intended: tuple[float, ...] | None
    former: tuple[float, ...] | None
    alpha: float
    by_arms: bool = False
    counted: tuple[int, ...] = ()
    arm: tuple[int, ...] = ()
    rest: tuple[int, ...] = ()
    strained: Mapping[int, int] = field(default_factory=dict)
    latest: tuple[SeatReading, ...] = ()
    peak_log_e: float = 0.0
    calm: int = 0

    def update(self, seats: tuple[SeatReading, ...], *, undisturbed: bool) -> "Balance":
        """Return the state after one look; `undisturbed` says that nothing else moved requests."""
        arm = _sum(self.arm, (seat.arm for seat in seats))
        rest = _sum(self.rest, (seat.rest for seat in seats))
        found = replace(self, arm=arm, rest=rest, latest=seats)
        if undisturbed:
            counted = _sum(self.counted, (seat.arm for seat in seats))
            found = replace(found, counted=counted)
            found = replace(found, peak_log_e=max(found.peak_log_e, found.log_e))
        now = _strained_now(found)
        calm = 0 if now else self.calm + 1
        return replace(found, strained=_counted(self.strained, now), calm=calm)

    def next_step(self) -> "Balance":
        """Return the state at the beginning of a step."""
        return replace(self, calm=0)

    @property
    def log_e(self) -> float:
        """Return the evidence that the shares are not the intended ones, in nats."""
        if self.intended is None or not self.counted:
            return 0.0
        return shares_log_e(self.counted, self.intended)

    @property
    def settled(self) -> bool:
        """Return whether the step was looked at often enough while nobody was strained."""
        return self.calm >= STRAINED_LOOKS

    def overloaded(self, *, users_suffer: bool = False) -> Reason | None:
        """Return why the change is over a replica's capacity, None where it is not.

        Where `users_suffer`, in whichever arm, one look at the strained replica is enough.
        """
        for seat, looks in self.strained.items():
            if users_suffer or looks >= STRAINED_LOOKS:
                return self._overload(seat)
        return None

    def lopsided(self) -> Reason | None:
        """Return why the shares are not those that were asked for, None where nothing says so."""
        if self.intended is None or self.peak_log_e < -log(self.alpha):
            return None
        seat, ratio = largest_excess(self.counted, self.intended)
        if ratio < HARMLESS_RATIO:
            return None
        share, intended = self.counted[seat] / sum(self.counted), self.intended[seat]
        return Reason(
            "shares_not_as_intended",
            f"Replica {self.latest[seat].name} (seat {seat}) gets {share:.0%} of the requests that "
            f"the proposed settings spread, not {intended:.0%}.",
            {
                "seat": seat,
                "replica": self.latest[seat].name,
                "share": round(share, 4),
                "intended_share": round(intended, 4),
                "requests": sum(self.counted),
                "log_e": round(self.peak_log_e, 3),
            },
        )

    def gives_more(self, seat: int) -> bool:
        """Return whether the proposed settings give a seat more than it has without them."""
        even = 1.0 / len(self.latest)
        new = _share(self.intended, self.arm, seat, even)
        return new > _MORE * _share(self.former, self.rest, seat, even)

    def _overload(self, seat: int) -> Reason:
        reading = self.latest[seat]
        asked = "" if reading.asked is None else f" was asked for {reading.asked:.0f} sign-ins/s,"
        can = "" if reading.capacity is None else f" can do {reading.capacity:.0f},"
        shed = f" and sent {reading.shed or 0.0:.1f}/s away while others had room"
        return Reason(
            "replica_overloaded",
            f"Replica {reading.name} (seat {seat}){asked}{can}{shed}: the proposed settings give "
            "it more than its part.",
            {
                "seat": seat,
                "replica": reading.name,
                "asked_per_second": reading.asked,
                "shed_per_second": reading.shed,
                "capacity": reading.capacity,
            },
        )


def _strained_now(balance: Balance) -> set[int]:
    """Return the seats that the proposed settings give too much, as of the latest look."""
    strained = {seat for seat, reading in enumerate(balance.latest) if reading.strained}
    if len(strained) == len(balance.latest):
        # All have too much: that is the traffic, and not how it is spread.
        return set()
    return {seat for seat in strained if balance.gives_more(seat)}


def _counted(strained: Mapping[int, int], now: set[int]) -> dict[int, int]:
    counts = {seat: count - 1 for seat, count in strained.items() if seat not in now and count > 1}
    return counts | {seat: strained.get(seat, 0) + 1 for seat in now}


def _share(
    known: tuple[float, ...] | None, counted: tuple[int, ...], seat: int, even: float
) -> float:
    if known is not None:
        return known[seat]
    return counted[seat] / sum(counted) if sum(counted) else even


def _sum(former: tuple[int, ...], new: Iterable[int]) -> tuple[int, ...]:
    added = tuple(new)
    return tuple(a + b for a, b in zip(former or (0,) * len(added), added, strict=True))
