"""Requests until a decision against the information bound, over a grid of broken canaries.

Prints one row per setting: mean requests until the evidence decides, divided by the bound for the
alpha that is left after the split over strata and metrics, and by the bound for the whole of alpha,
that is for a test that knew beforehand where to look. The limit is on the first: 1.6, plus one
window (or block, where traffic is thin) where more than half of the canary's requests fail, or
where one window alone holds more than a quarter of the bound: decisions fall at ends of windows.
Exit code 1 when a row is above its limit.

The first rows are those for which figures have been published, with any share of both arms. The
others are what the edge does: as much traffic to the control arm as to the canary, or what is left.

Run: .venv/bin/python bench/decision_cost.py [--runs N] [--seed S] [--json]
"""

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

# The draws are those of the simulation.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.simulation.sampling import binomial

from ostiary.changes.bound import requests_bound
from ostiary.changes.evidence import (
    BLOCK_REQUESTS_MIN,
    WINDOW_SECONDS,
    ArmCounts,
    Evidence,
    EvidenceSettings,
    Metric,
    StratumWindow,
)
from ostiary.edge.route_classes import STRATA

RATIO_MAX = 1.6
REQUESTS_MAX = 1_000_000
HEADING = "canary  control  share  window   bound  requests  failures  ratio  limit  whole  traffic"


@dataclass(frozen=True)
class Setting:
    """A canary that fails more often than its control, and how much traffic shows it.

    `share` is the canary's share of both arms, `per_second` the requests of both together;
    `traffic` says of which share of which traffic they are the arms.
    """

    canary_rate: float
    control_rate: float
    share: float
    per_second: float = 100
    traffic: str = ""

    @property
    def window_requests(self) -> int:
        """Return the requests of one window; where it would be less than one, windows are rarer."""
        return max(1, round(self.per_second * WINDOW_SECONDS))


PUBLISHED = (
    Setting(0.05, 0.001, 0.10),
    Setting(0.20, 0.001, 0.10),
    Setting(0.50, 0.001, 0.05),
    Setting(1.00, 0.001, 0.10),
    Setting(1.00, 0.001, 0.01),
    Setting(1.00, 0.001, 0.50),
    Setting(0.05, 0.010, 0.10),
    Setting(0.20, 0.010, 0.10),
)
CANARY_RATES = (0.05, 0.20, 0.50, 1.00)
CONTROL_RATES = (0.001, 0.01, 0.10)
STEPS = (0.01, 0.10, 0.50, 0.75)
PER_SECOND = (10, 100, 1_000)


def at_the_edge() -> list[Setting]:
    """Return the grid of rates, steps and traffic, without rows that come to the same windows."""
    found: dict[tuple[float, float, float, int], Setting] = {}
    for canary, control, step, rate in product(CANARY_RATES, CONTROL_RATES, STEPS, PER_SECOND):
        both = step + min(step, 1.0 - step)
        setting = Setting(canary, control, step / both, both * rate, f"{step:.0%} of {rate}/s")
        key = canary, control, setting.share, setting.window_requests
        if control <= canary / 2.0:
            found.setdefault(key, setting)
    return list(found.values())


@dataclass(frozen=True)
class Row:
    """One row of the table: means over all runs.

    `bound` is for the alpha left after the split, `bound_whole` for all of it.
    """

    setting: Setting
    bound: float
    bound_whole: float
    requests: float
    canary_failures: float
    ratio: float
    ratio_whole: float
    limit: float


def until_decided(setting: Setting, rng: random.Random) -> tuple[int, int]:
    """Return the requests and canary failures of one run, in windows of a fixed size."""
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    requests = failures = 0
    while not evidence.decided and requests < REQUESTS_MAX:
        canary = binomial(rng, setting.window_requests, setting.share)
        control = setting.window_requests - canary
        failed = binomial(rng, canary, setting.canary_rate)
        # Only overturned requests, so that one metric alone has to decide.
        window = StratumWindow(
            "token",
            ArmCounts(canary, overturned=failed),
            ArmCounts(control, overturned=binomial(rng, control, setting.control_rate)),
        )
        evidence = evidence.update([window])
        requests += setting.window_requests
        failures += failed
    return requests, failures


def measure(setting: Setting, runs: int, seed: int) -> Row:
    """Return one row of the table."""
    rng = random.Random(f"{seed}:{setting}")
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    alpha = evidence.settings.alpha
    rates = setting.canary_rate, setting.control_rate, setting.share
    bound = requests_bound(*rates, alpha * evidence.weight(Metric.OVERTURNED))
    whole = requests_bound(*rates, alpha)
    results = [until_decided(setting, rng) for _ in range(runs)]
    mean = statistics.fmean(requests for requests, _ in results)
    grain = max(setting.window_requests, BLOCK_REQUESTS_MIN)
    allowed = setting.canary_rate > 0.5 or setting.window_requests > bound / 4.0
    return Row(
        setting=setting,
        bound=bound,
        bound_whole=whole,
        requests=mean,
        canary_failures=statistics.fmean(failures for _, failures in results),
        ratio=mean / bound,
        ratio_whole=mean / whole,
        limit=RATIO_MAX + (grain / bound if allowed else 0.0),
    )


def print_row(row: Row) -> None:
    """Print one row for people."""
    above = "" if row.ratio <= row.limit else "  ABOVE"
    print(
        f"{row.setting.canary_rate:6.1%}  {row.setting.control_rate:6.1%}"
        f"  {row.setting.share:5.0%}  {row.setting.window_requests:6}"
        f"  {row.bound:6.0f}  {row.requests:8.0f}  {row.canary_failures:8.1f}"
        f"  {row.ratio:5.2f}  {row.limit:5.2f}  {row.ratio_whole:5.2f}"
        f"  {row.setting.traffic}{above}",
        flush=True,
    )


def main() -> int:
    """Print the table; return 1 when a ratio is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    if not options.json:
        print(HEADING)
    rows = []
    for setting in (*PUBLISHED, *at_the_edge()):
        rows.append(measure(setting, options.runs, options.seed))
        if not options.json:
            print_row(rows[-1])
    if options.json:
        print(json.dumps({"seed": options.seed, "decision_cost": [asdict(row) for row in rows]}))
    else:
        print(f"seed {options.seed}, {options.runs} runs, {time.perf_counter() - began:.1f} s")
    return int(any(row.ratio > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
