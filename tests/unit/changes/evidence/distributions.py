"""Exact distributions by counting, to compare the evidence with."""

import random
from collections.abc import Iterator
from math import comb

from ostiary.changes.evidence.counts import Trials

Arms = tuple[Trials, Trials]


def hypergeometric(canary: int, control: int, failures: int) -> Iterator[tuple[int, float]]:
    """Yield each number of canary failures with its probability when the arm does not matter."""
    total = comb(canary + control, failures)
    for x in range(max(0, failures - control), min(failures, canary) + 1):
        yield x, comb(canary, x) * comb(control, failures - x) / total


def binomial(requests: int, rate: float) -> Iterator[tuple[int, float]]:
    """Yield each number of events with its probability."""
    for k in range(requests + 1):
        yield k, comb(requests, k) * rate**k * (1.0 - rate) ** (requests - k)


def draw(rng: random.Random, requests: int, rate: float) -> int:
    """Return how many of the requests showed the event."""
    return sum(rng.random() < rate for _ in range(requests))


def arms(requests: int, share: float, rates: tuple[float, float]) -> Iterator[tuple[Arms, float]]:
    """Yield the counts of canary and control with their probability.

    Each request falls to the canary with chance `share`, and shows the event with its arm's rate.
    """
    for canary, p_canary in binomial(requests, share):
        for x, p_x in binomial(canary, rates[0]):
            for y, p_y in binomial(requests - canary, rates[1]):
                if (chance := p_canary * p_x * p_y) > 0.0:
                    yield (Trials(canary, x), Trials(requests - canary, y)), chance
