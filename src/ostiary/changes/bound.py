"""How few requests any test could do with: the lower bound that decisions are measured against."""

from math import inf, log


def information_per_request(canary_rate: float, control_rate: float, canary_share: float) -> float:
    """Return the nats that one request gives about which arm fails more (Wald, Kullback).

    This is the mutual information of arm and outcome: w kl(p_c, θ0) + (1-w) kl(p_b, θ0) with
    θ0 = w p_c + (1-w) p_b, for random assignment with the canary's share w of both arms.
    """
    mean = canary_share * canary_rate + (1.0 - canary_share) * control_rate
    return canary_share * _divergence(canary_rate, mean) + (1.0 - canary_share) * _divergence(
        control_rate, mean
    )


def requests_bound(
    canary_rate: float, control_rate: float, canary_share: float, error: float
) -> float:
    """Return the least expected number of requests until any test with this error rate decides.

    `error` is the alpha that is left for what is tested, after the split. Infinite for equal rates.
    """
    information = information_per_request(canary_rate, control_rate, canary_share)
    return -log(error) / information if information > 0.0 else inf


def _divergence(rate: float, other: float) -> float:
    """Return the Kullback-Leibler divergence of two Bernoulli distributions, in nats."""
    total = 0.0
    if rate > 0.0:
        total += rate * log(rate / other)
    if rate < 1.0:
        total += (1.0 - rate) * log((1.0 - rate) / (1.0 - other))
    return total
