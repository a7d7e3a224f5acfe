"""Permission to go on: evidence that the canary is not worse than the control by a margin Δ.

That nothing speaks against a canary is no evidence for it: without traffic nothing ever does. Here
the null is the harm, "the canary fails at least Δ more often than the control", and its rejection
clears a stratum. Two e-processes are averaged:

- *strict*: no canary request failed at all. Under the null the canary's rate is at least Δ, so the
  factor of one success is 1/(1-Δ), and one failure ends it. Alone it would clear a stratum after
  ln(1/alpha')/Δ requests; sharing costs ln 2 more.
- *two-sample*: both arms share one rate, guessed from the past alone, against its projection on
  the null. The null is convex in the pair of rates, so the argument of `two_sample` holds. It also
  works where failures are usual, and without a control arm.
"""

from math import exp, inf, log, log1p

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.two_sample import log_ratio

_PRIOR_REQUESTS = 50.0
_PRIOR_MARGIN_SHARE = 0.1
"""The guess starts at a tenth of the margin, held as firmly as fifty requests hold it."""

_BISECTIONS = 40
_LOWEST_RATE = 1e-12


def log_factor(canary: Trials, control: Trials, past: Trials, margin: float) -> float:
    """Return the logarithm of one block's two-sample factor against "worse by the margin".

    `past` pools both arms before the block; `margin` is Δ, a difference of rates in (0, 1).
    """
    if not canary.requests:
        return 0.0
    events = past.events + _PRIOR_REQUESTS * _PRIOR_MARGIN_SHARE * margin
    rate = min(events / (past.requests + _PRIOR_REQUESTS), 1.0 - margin - _LOWEST_RATE)
    null_control = _project(rate, canary.requests, control.requests, margin)
    factor = log_ratio(canary, rate, null_control + margin)
    if control.requests:
        factor += log_ratio(control, rate, null_control)
    return factor


def log_e(canary: Trials, two_sample: float, margin: float) -> float:
    """Return the log e-value against harm.

    `canary` holds all its requests so far, `two_sample` the sum of `log_factor` over all blocks.
    """
    strict = -canary.requests * log1p(-margin) if canary.events == 0 else -inf
    larger, smaller = max(strict, two_sample), min(strict, two_sample)
    return larger + log1p(exp(smaller - larger)) - log(2.0)


def _project(rate: float, canary: int, control: int, margin: float) -> float:
    """Return the control's rate of the nearest pair in which the canary is worse by the margin."""
    low, high = _LOWEST_RATE, min(max(rate, _LOWEST_RATE), 1.0 - margin - _LOWEST_RATE)
    for _ in range(_BISECTIONS):
        null = (low + high) / 2.0
        worse = null + margin
        slope = canary * (worse - rate) / (worse * (1.0 - worse))
        slope += control * (null - rate) / (null * (1.0 - null))
        if slope < 0.0:
            low = null
        else:
            high = null
    return (low + high) / 2.0
