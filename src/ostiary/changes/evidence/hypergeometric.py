"""The conditional distribution of canary failures in a window, numerically safe at any size.

With random assignment, and K failures among n_c canary and n_b control requests, the number of
canary failures is hypergeometric under "the arm does not matter", whatever the failure rate is.
If the odds of failing are ψ times as high in the canary, it is Fisher's noncentral hypergeometric
distribution. Their ratio needs the normalising constant computed here.
"""

from functools import lru_cache
from math import lgamma, log

_NEGLIGIBLE = 1e-17
"""Terms below this part of the sum change no bit of a double."""


@lru_cache(maxsize=8192)
def log_normaliser(odds_ratio: float, canary: int, control: int, failures: int) -> float:
    """Return ln D(ψ) = ln E[ψ^X] for X ~ Hypergeometric(canary + control, canary, failures).

    Terms are log-concave in X. Summation therefore starts at the largest and walks outwards until
    nothing is added any more: about ten standard deviations, thousands of terms at counts of 10^6.
    """
    low = max(0, failures - control)
    high = min(failures, canary)
    if low == high:
        return low * log(odds_ratio)
    mode = _mode(odds_ratio, canary, control, failures)
    absent = control - failures
    total = term = 1.0
    for x in range(mode, high):
        term *= odds_ratio * (canary - x) * (failures - x) / ((x + 1) * (absent + x + 1))
        total += term
        if term < total * _NEGLIGIBLE:
            break
    term = 1.0
    for x in range(mode, low, -1):
        term *= x * (absent + x) / (odds_ratio * (canary - x + 1) * (failures - x + 1))
        total += term
        if term < total * _NEGLIGIBLE:
            break
    largest = (
        mode * log(odds_ratio)
        + _log_choose(canary, mode)
        + _log_choose(control, failures - mode)
        - _log_choose(canary + control, failures)
    )
    return largest + log(total)


def _mode(odds_ratio: float, canary: int, control: int, failures: int) -> int:
    """Return the most probable number of canary failures, by bisection on growing terms."""
    low = max(0, failures - control)
    high = min(failures, canary)
    absent = control - failures
    while low < high:
        x = (low + high) // 2
        if odds_ratio * (canary - x) * (failures - x) > (x + 1) * (absent + x + 1):
            low = x + 1
        else:
            high = x
    return low


def _log_choose(n: int, k: int) -> float:
    """Return the logarithm of the binomial coefficient."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
