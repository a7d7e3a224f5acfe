"""Method A: the conditional e-process, mixed over a grid of odds ratios.

Per block, E multiplies by ψ^{k_c} / D(ψ), the likelihood ratio of "the canary's odds of failing
are ψ times the control's" against "the arm does not matter", given how many requests each arm had
and how many failed in all. The base rate cancels. So an outage that hits both arms, or a drifting
base rate, is no evidence. The factor's expectation is exactly 1 under random assignment, also when
requests differ in their chance to fail, and below 1 when the canary is better (the likelihood
ratio is monotone in k_c).

The grid is mixed with equal weights, which costs at most ln 10 nats.
"""

from collections.abc import Sequence
from math import exp, log

from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.hypergeometric import log_normaliser

ODDS_RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1000.0)
"""Odds ratios that are bet on, as multiples of the tolerated one."""

NO_BETS = (0.0,) * len(ODDS_RATIOS)
"""The logarithms of the grid's e-processes before the first block."""


def log_mean(logs: Sequence[float]) -> float:
    """Return the logarithm of the mean of numbers given by their logarithms."""
    largest = max(logs)
    return largest + log(sum(exp(value - largest) for value in logs) / len(logs))


def log_weighted_sum(parts: Sequence[tuple[float, float]]) -> float:
    """Return the logarithm of Σ weight x number, of pairs of a weight and a number's logarithm."""
    largest = max(log_e for _, log_e in parts)
    return largest + log(sum(weight * exp(log_e - largest) for weight, log_e in parts))


def conditional_bets(
    logs: tuple[float, ...], canary: Trials, control: Trials, tolerance: float = 1.0
) -> tuple[float, ...]:
    """Return the grid's log e-values after one more block.

    `tolerance` is the largest odds ratio that counts as harmless (ψ0): the null is then
    "at most ψ0", and the factor (ψ/ψ0)^{k_c} D(ψ0) / D(ψ). Blocks without failures, with nothing
    but failures, or with one arm only, say nothing.
    """
    failures = canary.events + control.events
    both = canary.requests and control.requests
    if not both or failures in (0, canary.requests + control.requests):
        return logs
    sizes = (canary.requests, control.requests, failures)
    tolerated = 0.0 if tolerance == 1.0 else log_normaliser(tolerance, *sizes)
    return tuple(
        value + canary.events * log(ratio) + tolerated - log_normaliser(tolerance * ratio, *sizes)
        for value, ratio in zip(logs, ODDS_RATIOS, strict=True)
    )


def rate_bets(logs: tuple[float, ...], trials: Trials, limit: float) -> tuple[float, ...]:
    """Return the grid's log e-values against "at most the limit" after more trials of one arm.

    Each is a binomial likelihood ratio of a rate with so many times the limit's odds. It is
    monotone in the rate, so it holds for any rates below the limit, varying as they like.
    """
    if not trials.requests:
        return logs
    odds = limit / (1.0 - limit)
    return tuple(
        value
        + trials.events * log(ratio)
        - trials.requests * log((1.0 + ratio * odds) * (1.0 - limit))
        for value, ratio in zip(logs, ODDS_RATIOS, strict=True)
    )
