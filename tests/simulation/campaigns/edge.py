"""The simulated edge: two processes that route by tables, ask again, and count.

The rule of the second opinion is here: what the canary or the control arm failed or refused is
asked of the version that the table calls `serving`, and of no other, and its answer stands.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field

from ostiary.changes.evidence import ArmCounts, StratumWindow
from tests.simulation.campaigns.demand import Arrivals
from tests.simulation.campaigns.plan import Nature
from tests.simulation.sampling import binomial


@dataclass(frozen=True, slots=True)
class Table:
    """What one edge process was told last. Versions are named by their code.

    `share` is None where no canary is routed to. `intended` says that refusals of the canary stand.
    """

    serving: str
    canary: str | None = None
    share: float | None = None
    edge_only: bool = False
    intended: bool = False


@dataclass
class Counters:
    """What the edge has counted since it began, per stratum and arm.

    `canary_met` are requests whose first attempt a candidate answered, `wronged` those of them that
    it failed, refused or granted wrongly. The guard reads neither.
    """

    arms: dict[tuple[str, str], ArmCounts] = field(default_factory=lambda: defaultdict(ArmCounts))
    final_failures: int = 0
    canary_met: int = 0
    wronged: int = 0

    def copy(self) -> "Counters":
        """Return the counts as of now."""
        return Counters(
            defaultdict(ArmCounts, self.arms), self.final_failures, self.canary_met, self.wronged
        )


@dataclass
class Answerer:
    """How one version answers now: its nature, and the chance that fails all alike."""

    nature: Nature
    chance: float

    @property
    def faults(self) -> float:
        """Return the chance that an attempt fails."""
        return 1.0 - (1.0 - self.chance) * (1.0 - self.nature.faults)


def ask(
    rng: random.Random,
    arrivals: Arrivals,
    first: Answerer,
    second: Answerer,
    refusal_rate: float,
    *,
    intended: bool,
) -> tuple[ArmCounts, int, int]:
    """Return what an arm counts, the requests whose last answer is a fault, and the wronged."""
    wrongful = binomial(rng, arrivals.ordinary, refusal_rate)
    rightful = arrivals.ordinary - wrongful
    failed_wrongful = binomial(rng, wrongful, first.faults)
    failed_rightful = binomial(rng, rightful, first.faults)
    refused = binomial(rng, wrongful - failed_wrongful, 1.0 - first.nature.accepts)
    refused_wrongly = binomial(rng, rightful - failed_rightful, first.nature.refuses)
    stand_wrongly = refused_wrongly if intended else 0
    again_rightful = failed_rightful + refused_wrongly - stand_wrongly
    again_wrongful = failed_wrongful + (0 if intended else refused)
    failed_again = binomial(rng, again_rightful, second.faults)
    overturned = binomial(rng, again_rightful - failed_again, 1.0 - second.nature.refuses)
    lost = binomial(rng, again_wrongful, second.faults)
    overturned += binomial(rng, again_wrongful - lost, second.nature.accepts)
    doomed, doomed_faults = arrivals.doomed, arrivals.doomed if arrivals.doomed_fault else 0
    counts = ArmCounts(
        arrivals.ordinary + doomed,
        failed_wrongful + failed_rightful + doomed_faults,
        0 if intended else refused + refused_wrongly + doomed - doomed_faults,
        overturned,
    )
    granted_wrongly = wrongful - failed_wrongful - refused
    wronged = failed_rightful + refused_wrongly + granted_wrongly
    return counts, failed_again + lost + doomed_faults, wronged


def split(
    rng: random.Random, arrivals: Arrivals, share: float | None
) -> tuple[Arrivals, Arrivals, int]:
    """Return the requests of canary and control arm, and how many have neither."""
    if not share:
        nobody = Arrivals(arrivals.stratum, 0)
        return nobody, nobody, arrivals.ordinary + arrivals.doomed
    control = min(share, 1.0 - share)
    canary = _part(rng, arrivals, share)
    rest = _without(arrivals, canary)
    beside = _part(rng, rest, control / (1.0 - share) if share < 1.0 else 0.0)
    left = _without(rest, beside)
    return canary, beside, left.ordinary + left.doomed


def _part(rng: random.Random, arrivals: Arrivals, share: float) -> Arrivals:
    return Arrivals(
        arrivals.stratum,
        binomial(rng, arrivals.ordinary, share),
        binomial(rng, arrivals.doomed, share),
        arrivals.doomed_fault,
    )


def _without(arrivals: Arrivals, part: Arrivals) -> Arrivals:
    return Arrivals(
        arrivals.stratum,
        arrivals.ordinary - part.ordinary,
        arrivals.doomed - part.doomed,
        arrivals.doomed_fault,
    )


@dataclass
class CounterReader:
    """Closes windows of counts, as the guard does from the edge's counters."""

    last: Counters

    def close(self, now: Counters) -> tuple[tuple[StratumWindow, ...], int, int]:
        """Return the strata since the last reading, failed answers, and hidden failures."""
        names = sorted({stratum for stratum, _ in now.arms})
        windows = tuple(
            window
            for name in names
            if (window := StratumWindow(name, *(self._since(now, name, arm) for arm in _ARMS)))
            != StratumWindow(name, ArmCounts(), ArmCounts())
        )
        failures = now.final_failures - self.last.final_failures
        self.last = now.copy()
        return windows, failures, sum(window.canary.overturned for window in windows)

    def _since(self, now: Counters, stratum: str, arm: str) -> ArmCounts:
        new, old = now.arms[stratum, arm], self.last.arms[stratum, arm]
        return ArmCounts(
            new.requests - old.requests,
            new.faults - old.faults,
            new.refusals - old.refusals,
            new.overturned - old.overturned,
        )


_ARMS = ("canary", "control")
