"""Whether replicas get the shares of requests that they are meant to get.

The bet against the intended shares guesses the real ones from what was counted so far: a
multinomial likelihood ratio, mixed over a Dirichlet prior that is centred on the intended shares.
For requests that fall on replicas independently by these shares it is a test martingale, so that
it may be looked at after every request (Ville's inequality). Round robin spreads more evenly than
that, which only makes the bet lose faster.
"""

from collections.abc import Sequence
from math import lgamma, log

HARMLESS_RATIO = 1.2
"""A replica that gets less than this times its share is not lopsided, however sure that is."""


def shares_log_e(counts: Sequence[int], intended: Sequence[float]) -> float:
    """Return the logarithm of the e-value of counts against intended shares, all above 0."""
    concentration = float(len(intended))
    log_e = lgamma(concentration) - lgamma(concentration + sum(counts))
    for count, share in zip(counts, intended, strict=True):
        prior = concentration * share
        log_e += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return log_e


def largest_excess(counts: Sequence[int], intended: Sequence[float]) -> tuple[int, float]:
    """Return the index with the greatest ratio of counted to intended share, and the ratio."""
    total = sum(counts)
    if not total:
        return 0, 1.0
    ratios = [count / total / share for count, share in zip(counts, intended, strict=True)]
    worst = max(range(len(ratios)), key=ratios.__getitem__)
    return worst, ratios[worst]
