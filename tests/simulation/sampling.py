"""Draws of whole numbers, exact and cheap where most chances are small."""

import random
from math import exp, log

_POISSON_STEP = 30.0


def binomial(rng: random.Random, trials: int, chance: float) -> int:
    """Return how many of the trials come true.

    One half is drawn bit by bit; anything else by skipping from one success to the next, whose
    distances are geometric. That costs as much as there are successes.
    """
    if trials <= 0 or chance <= 0.0:
        return 0
    if chance >= 1.0:
        return trials
    if chance == 0.5:
        return rng.getrandbits(trials).bit_count()
    if chance > 0.5:
        return trials - binomial(rng, trials, 1.0 - chance)
    scale = log(1.0 - chance)
    found, place = 0, 0
    while True:
        place += int(log(1.0 - rng.random()) / scale) + 1
        if place > trials:
            return found
        found += 1


def poisson(rng: random.Random, mean: float) -> int:
    """Return a Poisson number; a large mean is drawn in parts, so that nothing underflows."""
    found = 0
    while mean > _POISSON_STEP:
        found += _poisson(rng, _POISSON_STEP)
        mean -= _POISSON_STEP
    return found + _poisson(rng, mean)


def _poisson(rng: random.Random, mean: float) -> int:
    limit, product, found = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        found += 1
    return found
