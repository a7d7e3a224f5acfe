"""Traffic of a simulated login service, in windows of half a second, from a seed."""

import random
from dataclasses import dataclass

from ostiary.changes.events import WindowClosed
from ostiary.changes.evidence import ArmCounts, StratumWindow

STRATA = ("sign_in", "token")


@dataclass(frozen=True, slots=True)
class Load:
    """What one rollout meets, whatever version serves.

    `requests` per window and stratum. The chance that an attempt faults is `fault_rate` and drifts
    by `drift` per window; now and then a burst of `burst_rate` hits both versions alike.
    """

    requests: float
    fault_rate: float
    refusal_rate: float
    drift: float = 0.0
    burst_rate: float = 0.0
    burst_every: int = 0
    burst_windows: int = 4

    def fault_chance(self, window: int) -> float:
        """Return the chance that an attempt faults in a window."""
        if self.burst_every and window % self.burst_every < self.burst_windows and window:
            return self.burst_rate
        return min(1.0, max(0.0, self.fault_rate + self.drift * window))


def healthy_load(rng: random.Random) -> Load:
    """Return a load as it may come: thin or thick, quiet or troubled."""
    troubled = rng.random() < 0.5
    return Load(
        requests=rng.choice((1.0, 3.0, 8.0)),
        fault_rate=rng.choice((0.0, 0.002, 0.02)),
        refusal_rate=rng.choice((0.05, 0.2)),
        drift=rng.choice((0.0, 0.001)),
        burst_rate=rng.choice((0.1, 0.4)) if troubled else 0.0,
        burst_every=rng.choice((15, 40)) if troubled else 0,
    )


class Traffic:
    """Requests of users, window by window."""

    def __init__(self, rng: random.Random, load: Load, broken_rate: float = 0.0) -> None:
        """Serve `load`; the candidate fails `broken_rate` of its requests beside that."""
        self._rng = rng
        self._load = load
        self._broken_rate = broken_rate
        self._window = 0

    def window(self, share: float | None) -> WindowClosed:
        """Return the counts of the next window at the canary's share of the traffic."""
        self._window += 1
        strata: list[StratumWindow] = []
        final_failures = hidden = 0
        for stratum in STRATA if share else ():
            canary, control = self._arms(share or 0.0)
            canary_counts = self._attempts(canary, self._broken_rate)
            strata.append(StratumWindow(stratum, canary_counts, self._attempts(control, 0.0)))
            hidden += canary_counts.overturned
            final_failures += canary_counts.faults - canary_counts.overturned
        return WindowClosed(tuple(strata), final_failures, hidden)

    def _arms(self, share: float) -> tuple[int, int]:
        """Return how many requests each arm gets; both are equally likely below all traffic."""
        if share >= 1.0:
            return self._count(self._load.requests), 0
        both = self._count(self._load.requests * min(1.0, 2.0 * share))
        canary = self._rng.getrandbits(both).bit_count() if both else 0
        return canary, both - canary

    def _count(self, mean: float) -> int:
        """Return a whole number of requests around a mean, now less and now more."""
        return int(self._rng.uniform(0.0, 2.0) * mean + self._rng.random())

    def _attempts(self, requests: int, broken_rate: float) -> ArmCounts:
        """Return how first attempts went, and how many second opinions were plainly good."""
        rng, chance = self._rng, self._load.fault_chance(self._window)
        faults = refusals = overturned = 0
        for _ in range(requests):
            if rng.random() < chance or (broken_rate and rng.random() < broken_rate):
                faults += 1
                overturned += rng.random() >= chance
            elif rng.random() < self._load.refusal_rate:
                refusals += 1
        return ArmCounts(requests, faults, refusals, overturned)
