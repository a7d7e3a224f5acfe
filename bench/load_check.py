"""How long the load check takes for a thousand replicas, with each balancer.

The limit is two seconds. A settings file has at most 64 replicas; the figures for those stand
beside. Weights are all alike, or from 1 to 128. What is timed is what a check does: shares, the
loss of each replica, and every limit.

Run: .venv/bin/python bench/load_check.py [--rounds N]
"""

import argparse
import os
import statistics
import time

from ostiary.changes.load.figures import Figures
from ostiary.changes.load.judging import breaches, load_of
from ostiary.changes.load.keys import KeySkew

LIMIT_S = 2.0
BALANCERS = ("round_robin", "least_request", "random", "ring_hash", "maglev")
SKEW = KeySkew(1.0, 100_000)
CAPACITY, PEAK_OF_CAPACITY = 45.0, 0.5


def seconds(balancer: str, weights: tuple[int, ...]) -> float:
    """Return the seconds of one check."""
    capacities = tuple(CAPACITY * weight for weight in weights)
    figures = Figures(balancer, weights, capacities, sum(capacities) * PEAK_OF_CAPACITY, SKEW)
    began = time.perf_counter()
    list(breaches(load_of(figures)))
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    worst = 0.0
    for replicas in (64, 1_000):
        equal, unequal = (1,) * replicas, tuple(1 + n % 128 for n in range(replicas))
        for balancer in BALANCERS:
            for words, weights in (("alike", equal), ("1 to 128", unequal)):
                taken = [seconds(balancer, weights) for _ in range(options.rounds)]
                median, most = statistics.median(taken), max(taken)
                worst = max(worst, most)
                print(
                    f"{replicas:>5} replicas, {balancer:<13} weights {words:<8} "
                    f"median {median:6.3f} s, max {most:6.3f} s; "
                    f"ratios to {LIMIT_S:g} s: {median / LIMIT_S:.3f} and {most / LIMIT_S:.3f}"
                )
    print(f"worst ratio {worst / LIMIT_S:.2f}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
