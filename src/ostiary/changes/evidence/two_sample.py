"""Method C: the 2x2 e-variable of Turner, Ly and Grünwald, one-sided, in blocks.

Source: "Generic e-variables for exact sequential k-sample tests that allow for optional stopping",
Journal of Statistical Planning and Inference 230 (2024). Two rates are guessed from the past alone
and bet against their projection on the null, so that successes count as well as failures:

    factor = Π over arms x of (θ_x/θ°_x)^{k_x} ((1-θ_x)/(1-θ°_x))^{n_x-k_x}

where (θ°_c, θ°_b) is the nearest pair, in Kullback-Leibler divergence weighted with the block's
sizes, whose odds ratio is at most the tolerated one. That set is convex, so the factor's
expectation is at most 1 for every pair in it. This holds when the requests of one arm in one block
share their rate; the rate may change from block to block as it likes. Where requests of one block
differ in their chance to fail, the expectation may exceed 1 by about the information of one request
per block; method A needs no such assumption.

The guesses are Beta posterior means. The priors bet early on a canary that is plainly broken beside
a control that is not: a release that fails all requests is then decided in the first block.
"""

from math import log

from ostiary.changes.evidence.counts import Trials

_CANARY_PRIOR = (0.18, 0.18)
"""Events and others as if seen before: the default of safestats; one request moves it far."""

_CONTROL_PRIOR = (0.05, 5.0)
"""Events and others as if seen before: of a service that works, about 1 % fail."""

_BISECTIONS = 60


def log_factor(
    canary: Trials,
    control: Trials,
    past: tuple[Trials, Trials],
    tolerance: float = 1.0,
) -> float:
    """Return the logarithm of one block's factor.

    `past` holds what was known of canary and control before the block. 0 where the block has one
    arm only, or where the past gives no reason to bet on harm.
    """
    if not (canary.requests and control.requests):
        return 0.0
    guess_canary = _posterior(past[0], _CANARY_PRIOR)
    guess_control = _posterior(past[1], _CONTROL_PRIOR)
    if guess_canary <= _raised(guess_control, tolerance):
        return 0.0
    null_control = _project(
        canary.requests * guess_canary + control.requests * guess_control,
        canary.requests,
        control.requests,
        tolerance,
    )
    null_canary = _raised(null_control, tolerance)
    return log_ratio(canary, guess_canary, null_canary) + log_ratio(
        control, guess_control, null_control
    )


def log_ratio(trials: Trials, rate: float, null_rate: float) -> float:
    """Return the log-likelihood ratio of two Bernoulli rates, both strictly between 0 and 1."""
    return trials.events * log(rate / null_rate) + (trials.requests - trials.events) * log(
        (1.0 - rate) / (1.0 - null_rate)
    )


def _posterior(past: Trials, prior: tuple[float, float]) -> float:
    """Return the mean of the Beta posterior; the prior gives events first, then the others."""
    return (prior[0] + past.events) / (prior[0] + prior[1] + past.requests)


def _raised(rate: float, odds_ratio: float) -> float:
    """Return the rate whose odds are `odds_ratio` times those of `rate`."""
    return odds_ratio * rate / (1.0 + (odds_ratio - 1.0) * rate)


def _project(expected: float, canary: int, control: int, tolerance: float) -> float:
    """Return the control's rate of the nearest null pair: it expects as many events in all."""
    if tolerance == 1.0:
        return expected / (canary + control)
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        rate = (low + high) / 2.0
        if canary * _raised(rate, tolerance) + control * rate < expected:
            low = rate
        else:
            high = rate
    return (low + high) / 2.0
