"""What could be written instead, tried out before it is said."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ostiary.changes.load.figures import Figures
from ostiary.changes.load.judging import (
    GROWTH_MAX,
    UTILISATION_MAX,
    UTILISATION_ONE_LOST_MAX,
    breaches,
    load_of,
)
from ostiary.changes.load.shares import HASH_BALANCERS, by_weights

WEIGHT_MAX = 128
REPLICAS_MAX = 64


def passing(figures: Figures) -> Figures | None:
    """Return the first alternative that passes every limit with the same replicas, None if none."""
    for tried in _alternatives(figures):
        if not any(breaches(load_of(tried))):
            return tried
    return None


def _alternatives(figures: Figures) -> Iterator[Figures]:
    fitting = proportional_weights(figures.relative_capacities)
    if figures.balancer not in HASH_BALANCERS and fitting != figures.weights:
        yield replace(figures, weights=fitting, balancer=_weighted(figures.balancer, fitting))
    if figures.balancer in HASH_BALANCERS:
        if fitting != figures.weights:
            yield replace(figures, weights=fitting)
        yield replace(figures, balancer="round_robin", weights=fitting)


def _weighted(balancer: str, weights: Sequence[int]) -> str:
    return "round_robin" if balancer == "random" and len(set(weights)) > 1 else balancer


def proportional_weights(capacities: Sequence[float]) -> tuple[int, ...]:
    """Return whole weights, as small as they can be, that are nearly as the capacities are."""
    greatest = max(capacities)
    for scale in range(1, WEIGHT_MAX + 1):
        exact = [capacity / greatest * scale for capacity in capacities]
        weights = tuple(max(1, round(each)) for each in exact)
        if all(abs(w - each) <= each / 50 for w, each in zip(weights, exact, strict=True)):
            return weights
    return tuple(max(1, round(capacity / greatest * WEIGHT_MAX)) for capacity in capacities)


def bearable_peak(capacities: Sequence[float]) -> float:
    """Return the highest peak that these replicas can carry, with weights in proportion."""
    total = math.fsum(capacities)
    with_all = UTILISATION_MAX * total
    if len(capacities) == 1:
        return with_all
    return min(with_all, UTILISATION_ONE_LOST_MAX * (total - max(capacities)))


def replicas_needed(figures: Figures) -> int | None:
    """Return how many replicas would do where all are alike; None beyond what can be."""
    if figures.capacities is None or figures.peak is None or len(set(figures.capacities)) > 1:
        return None
    capacity = math.fsum(figures.capacities) / len(figures.capacities)
    with_all = figures.peak / capacity / UTILISATION_MAX
    with_one_lost = figures.peak / capacity / UTILISATION_ONE_LOST_MAX + 1
    needed = max(len(figures.weights), math.ceil(with_all - 1e-9), math.ceil(with_one_lost - 1e-9))
    return needed if needed <= REPLICAS_MAX else None


def weights_on_the_way(before: Sequence[float], after: Sequence[int]) -> tuple[int, ...] | None:
    """Return weights that go as far towards `after` as one step may, None where none do."""
    wanted = by_weights(after).shares
    old = [*before, *wanted[len(before) :]]
    for tenths in range(9, 0, -1):
        mixed = [then + (now - then) * tenths / 10 for then, now in zip(old, wanted, strict=False)]
        weights = proportional_weights(mixed)
        shares = by_weights(weights).shares
        if all(new <= GROWTH_MAX * then + 1e-9 for then, new in zip(before, shares, strict=False)):
            return weights
    return None
