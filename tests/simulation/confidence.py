"""How many false alarms are too many to be chance."""

from math import exp, lgamma, log, log1p

_BISECTIONS = 60


def most_by_chance(runs: int, rate: float, confidence: float = 0.99) -> int:
    """Return the most events that `runs` with this rate show with the given confidence."""
    probability = 0.0
    for events in range(runs + 1):
        probability += chance_of(events, runs, rate)
        if probability >= confidence:
            return events
    return runs


def rate_at_most(events: int, runs: int, confidence: float = 0.99) -> float:
    """Return the upper end for a rate (Clopper and Pearson): larger ones show more events."""
    if events >= runs:
        return 1.0
    low, high = events / runs, 1.0
    for _ in range(_BISECTIONS):
        rate = (low + high) / 2.0
        at_most = sum(chance_of(each, runs, rate) for each in range(events + 1))
        low, high = (rate, high) if at_most > 1.0 - confidence else (low, rate)
    return high


def chance_of(events: int, runs: int, rate: float) -> float:
    """Return the binomial probability; by logarithms, since there may be 10^5 runs and more."""
    if rate in (0.0, 1.0):
        return float(events == runs * rate)
    choose = lgamma(runs + 1) - lgamma(events + 1) - lgamma(runs - events + 1)
    return exp(choose + events * log(rate) + (runs - events) * log1p(-rate))
