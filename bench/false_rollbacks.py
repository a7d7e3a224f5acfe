"""Healthy rollouts by the hundred thousand: how many does the evidence roll back?

Each rollout is the whole controller with its steps, from canary to good, beside traffic of its own:
0 to 1,000 requests a second at some hour of the day, base rates that drift, bursts that fail both
versions, users whose every request fails and who ask again and again, second opinions that end a
window late. The candidate is no worse than last good in anything. Prints the rollbacks by evidence,
what they could be by chance, and the binomial 99 % upper bound of their rate against alpha. Exit
code 1 where they are too many to be chance.

A hundred thousand take about twelve minutes of CPU.

Run: .venv/bin/python bench/false_rollbacks.py [--count N] [--seed S] [--alpha A] [--processes P]
"""

import argparse
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

# The simulated world is the one that the tests use.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.simulation.campaigns.demand import Crowd, Demand
from tests.simulation.campaigns.edge import Answerer, ask, split
from tests.simulation.campaigns.plan import Nature, draw_demand
from tests.simulation.confidence import most_by_chance, rate_at_most
from tests.simulation.sampling import binomial
from tests.simulation.traffic import STRATA
from tests.simulation.world import World

from ostiary.changes.events import WindowClosed
from ostiary.changes.evidence import WINDOW_SECONDS, ArmCounts, EvidenceSettings, StratumWindow
from ostiary.changes.model import ChangeResult, Verdict
from ostiary.changes.pacing import Pacing

CHUNK = 250
CONFIDENCE = 0.99
PACES = (
    Pacing(steps=(0.1, 0.5, 1.0), step_seconds_min=4.0, held_after_seconds=60.0, bake_seconds=6.0),
    Pacing(steps=(0.01, 0.25, 0.75, 1.0), step_seconds_min=3.0, held_after_seconds=60.0,
           bake_seconds=4.0),
    Pacing(steps=(1.0,), held_after_seconds=60.0, bake_seconds=15.0),
)  # fmt: skip


@dataclass
class HealthyTraffic:
    """Windows of counts of two versions that answer alike."""

    rng: random.Random
    demand: Demand
    began: float
    late_chance: float
    windows: int = 0
    late: dict[tuple[str, str], int] = field(default_factory=dict)

    def window(self, share: float | None) -> WindowClosed:
        """Return the counts of the next window at the canary's share of the traffic."""
        self.windows += 1
        now = self.began + self.windows * WINDOW_SECONDS
        crowd = Crowd(self.rng, self.demand, self.began)
        alike = Answerer(Nature(), crowd.fault_chance(now))
        strata = []
        for arrivals in crowd.arrivals(now, WINDOW_SECONDS) if share else ():
            canary, control, _ = split(self.rng, arrivals, share)
            arms = []
            for arm, part in (("canary", canary), ("control", control)):
                counts, _, _ = ask(
                    self.rng, part, alike, alike, self.demand.refusal_rate, intended=False
                )
                arms.append(self._delayed((arrivals.stratum, arm), counts))
            strata.append(StratumWindow(arrivals.stratum, *arms))
        return WindowClosed(tuple(strata))

    def _delayed(self, key: tuple[str, str], counts: ArmCounts) -> ArmCounts:
        late = binomial(self.rng, counts.overturned, self.late_chance)
        now = counts.overturned - late + self.late.pop(key, 0)
        self.late[key] = late
        return ArmCounts(counts.requests, counts.faults, counts.refusals, now)


def rollout(number: int, *, seed: int, alpha: float) -> ChangeResult:
    """Return how one healthy rollout ended."""
    rng = random.Random(f"{seed}-{number}")
    traffic = HealthyTraffic(
        rng, draw_demand(rng), rng.uniform(0.0, 86_400.0), rng.choice((0.0, 0.0, 0.1, 0.5))
    )
    evidence = EvidenceSettings(strata=STRATA, alpha=alpha)
    return World(traffic, rng.choice(PACES), evidence).run()  # type: ignore[arg-type]


def chunk(first: int, *, seed: int, alpha: float, count: int) -> tuple[Counter[str], list[int]]:
    """Return verdicts and the numbers of those rolled back, for rollouts one after another."""
    verdicts: Counter[str] = Counter()
    wrong = []
    for number in range(first, min(first + CHUNK, count)):
        verdict = rollout(number, seed=seed, alpha=alpha).verdict
        verdicts[str(verdict)] += 1
        if verdict is Verdict.ROLLED_BACK:
            wrong.append(number)
    return verdicts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alpha", type=float, default=EvidenceSettings(strata=()).alpha)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    began = time.perf_counter()
    one = partial(chunk, seed=options.seed, alpha=options.alpha, count=options.count)
    verdicts: Counter[str] = Counter()
    wrong: list[int] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for some, some_wrong in pool.map(one, range(0, options.count, CHUNK)):
            verdicts += some
            wrong += some_wrong
    most = most_by_chance(options.count, options.alpha, CONFIDENCE)
    bound = rate_at_most(len(wrong), options.count, CONFIDENCE)
    print(f"{options.count} healthy rollouts: {dict(verdicts.most_common())}")
    print(f"rolled back by evidence: {len(wrong)} (numbers {wrong[:20]}), {most} could be chance")
    print(f"rate {len(wrong) / options.count:.2g}, 99 % sure below {bound:.2g}; "
          f"alpha {options.alpha:g}; ratio {bound / options.alpha:.2f}")  # fmt: skip
    print(f"seed {options.seed}, {time.perf_counter() - began:.0f} s, "
          f"{options.processes} processes")  # fmt: skip
    return int(len(wrong) > most)


if __name__ == "__main__":
    sys.exit(main())
