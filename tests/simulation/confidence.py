"""How many false alarms are too many to be chance."""

from math import comb


def most_by_chance(runs: int, rate: float, confidence: float = 0.99) -> int:
    """Return the most events that `runs` with this rate show with the given confidence."""
    probability = 0.0
    for events in range(runs + 1):
        probability += comb(runs, events) * rate**events * (1.0 - rate) ** (runs - events)
        if probability >= confidence:
            return events
    return runs
