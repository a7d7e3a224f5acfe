"""What users ask and what goes wrong by itself, whatever version serves."""

import random
from dataclasses import dataclass
from math import pi, sin

from tests.simulation.sampling import poisson
from tests.simulation.traffic import STRATA

DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Burst:
    """A time in which every attempt of either version fails by this chance."""

    begins: float
    seconds: float
    chance: float


@dataclass(frozen=True, slots=True)
class Storm:
    """A user whose every request fails or is refused, and who asks again and again."""

    begins: float
    seconds: float
    per_second: float
    stratum: str
    faults: bool


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests over a day, and troubles that belong to no version. Times are seconds.

    `mean_per_second` is the mean of all strata together; it follows the sun by `wave`, a part of
    the mean. `fault_rate` of attempts fail; it drifts by `drift` within an hour and back.
    """

    mean_per_second: float
    wave: float
    first_share: float
    fault_rate: float
    drift: float
    refusal_rate: float
    bursts: tuple[Burst, ...] = ()
    storms: tuple[Storm, ...] = ()

    def per_second(self, now: float, stratum: str) -> float:
        """Return the rate at which requests of a stratum come."""
        part = self.first_share if stratum == STRATA[0] else 1.0 - self.first_share
        return self.mean_per_second * part * (1.0 + self.wave * sin(2 * pi * now / DAY_SECONDS))

    def fault_chance(self, now: float) -> float:
        """Return the chance that an attempt fails through no fault of the version."""
        chance = self.fault_rate + self.drift * (1.0 + sin(2 * pi * now / 3_600.0)) / 2.0
        for burst in self.bursts:
            if burst.begins <= now < burst.begins + burst.seconds:
                chance = 1.0 - (1.0 - chance) * (1.0 - burst.chance)
        return min(1.0, chance)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Requests of one stratum: ordinary ones, and those that fail or are refused in any case."""

    stratum: str
    ordinary: int
    doomed: int = 0
    doomed_fault: bool = False


@dataclass
class Crowd:
    """Draws the requests of a demand. Troubles begin so long after `began`."""

    rng: random.Random
    demand: Demand
    began: float = 0.0

    def arrivals(self, now: float, seconds: float) -> list[Arrivals]:
        """Return the requests of the coming seconds."""
        return [self._of(stratum, now, seconds) for stratum in STRATA]

    def fault_chance(self, now: float) -> float:
        """Return the chance that an attempt fails now through no fault of the version."""
        return self.demand.fault_chance(now - self.began)

    def _of(self, stratum: str, now: float, seconds: float) -> Arrivals:
        ordinary = poisson(self.rng, self.demand.per_second(now, stratum) * seconds)
        now -= self.began
        for storm in self.demand.storms:
            if storm.stratum == stratum and storm.begins <= now < storm.begins + storm.seconds:
                doomed = poisson(self.rng, storm.per_second * seconds)
                return Arrivals(stratum, ordinary, doomed, storm.faults)
        return Arrivals(stratum, ordinary)
