"""Requests until a decision against the information bound, over a grid of broken canaries.

Prints one row per setting: mean requests until the evidence decides, divided by the bound for the
alpha that is left after the split over strata and metrics. The limit is 1.6, plus one window (or
block, where traffic is thin) where more than half of the canary's requests fail. Exit code 1 when a
row is above its limit.

Run: python -m bench.decision_cost [--runs N] [--seed S] [--json]
"""

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import asdict, dataclass

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


@dataclass(frozen=True)
class Setting:
    """A canary that fails more often than its control, and how much traffic shows it.

    `share` is the canary's share of both arms, `per_second` the requests of both together.
    """

    canary_rate: float
    control_rate: float
    share: float
    per_second: int = 100

    @property
    def window_requests(self) -> int:
        """Return the requests of one window."""
        return max(1, int(self.per_second * WINDOW_SECONDS))


GRID = (
    Setting(0.05, 0.001, 0.10),
    Setting(0.20, 0.001, 0.10),
    Setting(0.50, 0.001, 0.05),
    Setting(1.00, 0.001, 0.10),
    Setting(1.00, 0.001, 0.01),
    Setting(1.00, 0.001, 0.50),
    Setting(0.05, 0.010, 0.10),
    Setting(0.20, 0.010, 0.10),
    # As the edge does it: canary and control have equal shares; busy, then thin traffic.
    Setting(0.05, 0.001, 0.50),
    Setting(0.20, 0.001, 0.50),
    Setting(1.00, 0.001, 0.50, per_second=20),
    Setting(0.50, 0.001, 0.50, per_second=20),
    Setting(1.00, 0.001, 0.50, per_second=2),
    Setting(0.50, 0.001, 0.50, per_second=2),
    Setting(0.20, 0.001, 0.50, per_second=2),
    Setting(0.05, 0.001, 0.50, per_second=2),
)


@dataclass(frozen=True)
class Row:
    """One row of the table: means over all runs."""

    setting: Setting
    bound: float
    requests: float
    canary_failures: float
    ratio: float
    limit: float


def until_decided(setting: Setting, rng: random.Random) -> tuple[int, int]:
    """Return the requests and canary failures of one run, in windows of a fixed size."""
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    requests = failures = 0
    while not evidence.decided and requests < REQUESTS_MAX:
        canary = sum(rng.random() < setting.share for _ in range(setting.window_requests))
        control = setting.window_requests - canary
        failed = sum(rng.random() < setting.canary_rate for _ in range(canary))
        expected = sum(rng.random() < setting.control_rate for _ in range(control))
        # Only overturned requests, so that one metric alone has to decide.
        window = StratumWindow(
            "token",
            ArmCounts(canary, overturned=failed),
            ArmCounts(control, overturned=expected),
        )
        evidence = evidence.update([window])
        requests += setting.window_requests
        failures += failed
    return requests, failures


def measure(setting: Setting, runs: int, seed: int) -> Row:
    """Return one row of the table."""
    rng = random.Random(f"{seed}:{setting}")
    evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
    error = evidence.settings.alpha * evidence.weight(Metric.OVERTURNED)
    bound = requests_bound(setting.canary_rate, setting.control_rate, setting.share, error)
    results = [until_decided(setting, rng) for _ in range(runs)]
    mean = statistics.fmean(requests for requests, _ in results)
    grain = max(setting.window_requests, BLOCK_REQUESTS_MIN) if setting.canary_rate > 0.5 else 0
    return Row(
        setting=setting,
        bound=bound,
        requests=mean,
        canary_failures=statistics.fmean(failures for _, failures in results),
        ratio=mean / bound,
        limit=RATIO_MAX + grain / bound,
    )


def print_table(rows: list[Row]) -> None:
    """Print the rows for people."""
    print("canary  control  share  per s   bound  requests  failures  ratio  limit")
    for row in rows:
        above = "" if row.ratio <= row.limit else "  ABOVE"
        print(
            f"{row.setting.canary_rate:6.1%}  {row.setting.control_rate:6.1%}"
            f"  {row.setting.share:5.0%}  {row.setting.per_second:5}"
            f"  {row.bound:6.0f}  {row.requests:8.0f}  {row.canary_failures:8.1f}"
            f"  {row.ratio:5.2f}  {row.limit:5.2f}{above}"
        )


def main() -> int:
    """Print the table; return 1 when a ratio is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.perf_counter()
    rows = [measure(setting, options.runs, options.seed) for setting in GRID]
    if options.json:
        print(json.dumps({"seed": options.seed, "decision_cost": [asdict(row) for row in rows]}))
    else:
        print_table(rows)
        print(f"seed {options.seed}, {options.runs} runs, {time.perf_counter() - began:.1f} s")
    return int(any(row.ratio > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
