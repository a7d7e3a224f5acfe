"""Holding the load of each seat against limits.

The limits leave room for what no figure tells: at 0.7 of its capacity a queue is short and a
second peak still fits; at 0.9 it is long but does not grow. A fault of one replica comes at any
time, so what the others then get has to fit as well.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ostiary.changes.load.figures import Figures
from ostiary.changes.load.shares import Spread, spread_of

UTILISATION_MAX = 0.7
UTILISATION_ONE_LOST_MAX = 0.9
OVER_MEAN_MAX = 1.2
FAIRNESS_MIN = 0.98
GROWTH_MAX = 1.5

_ROUNDING = 1e-9


class Limit(StrEnum):
    """What can be too much."""

    OVERLOADED = "replica_overloaded"
    OVERLOADED_ONE_LOST = "replica_overloaded_one_lost"
    OVER_MEAN = "replica_over_mean"
    UNFAIR = "load_unfair"


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit, the seats beyond it (the worst first), and the value of the worst one."""

    limit: Limit
    seats: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Load:
    """What each seat would get: its share, and its utilisation where that can be said.

    `utilisation_one_lost` is for the loss of that other seat which is worst for it.
    """

    spread: Spread
    utilisation: tuple[float, ...] | None
    utilisation_one_lost: tuple[float | None, ...] | None
    relative: tuple[float, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the share of each seat, 0 to 1."""
        return self.spread.shares


def load_of(figures: Figures) -> Load:
    """Return the load of each seat: peak times share by capacity."""
    capacities = figures.relative_capacities
    spread = spread_of(figures.balancer, figures.weights, figures.skew, capacities)
    relative = tuple(
        share / capacity for share, capacity in zip(spread.shares, capacities, strict=True)
    )
    if figures.peak is None or figures.capacities is None:
        return Load(spread, None, None, relative)
    peak = figures.peak
    lost = tuple(
        None if share is None else peak * share / capacity
        for share, capacity in zip(spread.one_lost, capacities, strict=True)
    )
    return Load(spread, tuple(peak * each for each in relative), lost, relative)


def breaches(load: Load) -> Iterator[Breach]:
    """Yield every limit that the load passes. How even it is can be said without a peak."""
    if load.utilisation is not None and load.utilisation_one_lost is not None:
        yield from _beyond(Limit.OVERLOADED, load.utilisation, UTILISATION_MAX)
        lost = [each or 0.0 for each in load.utilisation_one_lost]
        yield from _beyond(Limit.OVERLOADED_ONE_LOST, lost, UTILISATION_ONE_LOST_MAX)
    mean = math.fsum(load.relative) / len(load.relative)
    yield from _beyond(Limit.OVER_MEAN, [each / mean for each in load.relative], OVER_MEAN_MAX)
    fairness = jain(load.relative)
    if fairness < FAIRNESS_MIN - _ROUNDING:
        worst = max(range(len(load.relative)), key=load.relative.__getitem__)
        yield Breach(Limit.UNFAIR, (worst,), fairness)


def _beyond(limit: Limit, values: Sequence[float], most: float) -> Iterator[Breach]:
    seats = [seat for seat, value in enumerate(values) if value > most + _ROUNDING]
    if seats:
        seats.sort(key=lambda seat: -values[seat])
        yield Breach(limit, tuple(seats), values[seats[0]])


def jain(values: Sequence[float]) -> float:
    """Return Jain's fairness index, 1 where all are equal and 1/n where one has everything.

    R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination for Resource
    Allocation in Shared Computer Systems", DEC-TR-301, 1984: (sum x)² / (n · sum x²).
    """
    squares = math.fsum(value * value for value in values)
    return math.fsum(values) ** 2 / (len(values) * squares) if squares else 1.0


@dataclass(frozen=True, slots=True)
class Growth:
    """A seat whose share grows too much at once, from `before` to `after`."""

    seat: int
    before: float
    after: float


def fastest_growth(before: Sequence[float], after: Sequence[float]) -> Growth | None:
    """Return the seat that grows most beyond the limit, None where none does.

    Seats that are new have nothing to compare with. What seats that disappear leave behind is
    growth of the others, and counts. A smaller share harms nobody.
    """
    grown = [
        Growth(seat, old, new)
        for seat, (old, new) in enumerate(zip(before, after, strict=False))
        if new > GROWTH_MAX * old + _ROUNDING
    ]
    return max(grown, key=lambda one: one.after / one.before, default=None)
