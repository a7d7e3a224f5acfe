"""How unevenly requests fall on the keys that a hash balancer chooses by.

A few addresses (an office, a mobile network, a partner's server) send many requests, most send
few. Such counts follow Zipf's law well enough: the key of rank r gets a part proportional to
r to the power of minus s (G. K. Zipf 1949; L. A. Adamic, B. A. Huberman 2002).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

EXPONENT_MAX = 5.0
HEAVY_KEYS_MAX = 1_000
"""Keys that are placed one by one. Each of those behind them is so light that together they fall
on the replicas as evenly as the balancer itself is."""

_SUMMED_MAX = 5_000
_PRECISION = 1e-4


@dataclass(frozen=True, slots=True)
class KeySkew:
    """Zipf's exponent and the number of distinct keys."""

    exponent: float = 1.0
    keys: int = 1_000


def heavy_keys(skew: KeySkew) -> tuple[float, ...]:
    """Return the parts of all requests that the heaviest keys have, heaviest first."""
    total = harmonic(skew.keys, skew.exponent)
    count = min(skew.keys, HEAVY_KEYS_MAX)
    return tuple(rank**-skew.exponent / total for rank in range(1, count + 1))


def harmonic(count: int, exponent: float) -> float:
    """Return the sum of r to the power of minus `exponent` for r from 1 to `count`.

    Beyond the first terms it is the integral that has the same midpoints; the error is far below
    what traffic can tell.
    """
    summed = min(count, _SUMMED_MAX)
    total = math.fsum(rank**-exponent for rank in range(1, summed + 1))
    if count == summed:
        return total
    first, last, power = summed + 0.5, count + 0.5, 1.0 - exponent
    if abs(power) < _PRECISION:
        return total + math.log(last / first)
    return total + (math.pow(last, power) - math.pow(first, power)) / power


def fitted_skew(top_shares: Sequence[float], keys: int) -> KeySkew:
    """Return the skew that makes the observed parts of the heaviest keys most likely.

    `top_shares` are parts of all requests by rank; all other keys share the rest. The likelihood
    of such a sample with its tail put together has one maximum, where its derivative by the
    exponent changes sign: -(sum of q log r) - (the same expected).
    """
    shares = tuple(top_shares[:keys])
    if not shares or keys <= 1:
        return KeySkew(0.0, max(keys, 1))
    low, high = 0.0, EXPONENT_MAX
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if _slope(middle, shares, keys) > 0:
            low = middle
        else:
            high = middle
    return KeySkew(round((low + high) / 2, 2), keys)


def _slope(exponent: float, shares: Sequence[float], keys: int) -> float:
    """Return the derivative of the log-likelihood by the exponent, by a central difference."""
    step = 1e-3
    return _likelihood(exponent + step, shares, keys) - _likelihood(exponent - step, shares, keys)


def _likelihood(exponent: float, shares: Sequence[float], keys: int) -> float:
    total = harmonic(keys, exponent)
    ranks = range(1, len(shares) + 1)
    found = sum(
        share * (-exponent * math.log(rank) - math.log(total))
        for rank, share in zip(ranks, shares, strict=True)
    )
    head = harmonic(len(shares), exponent) / total
    rest = max(0.0, 1.0 - sum(shares))
    if rest > 0 and keys > len(shares):
        found += rest * math.log(max(1.0 - head, 1e-300))
    return found
