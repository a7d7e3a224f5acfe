"""The published arithmetic and measurements that the evidence is built on, run again."""

import random
from math import exp, lgamma, log, log1p

import pytest

from ostiary.changes.bound import information_per_request, requests_bound
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.hypergeometric import log_normaliser
from ostiary.changes.evidence.mixture import NO_BETS, conditional_bets, log_mean
from tests.unit.changes.evidence.distributions import draw

ALPHA = 0.001
WINDOW_REQUESTS = 50
REQUESTS_MAX = 100_000


@pytest.mark.parametrize(
    ("canary", "control", "share", "requests"),
    [
        (0.05, 0.001, 0.10, 751),
        (0.20, 0.001, 0.10, 156),
        (0.50, 0.001, 0.05, 88),
        (1.00, 0.001, 0.10, 22),
        (1.00, 0.001, 0.01, 131),
        (1.00, 0.001, 0.50, 10),
        (0.05, 0.010, 0.10, 2025),
        (0.20, 0.010, 0.10, 224),
    ],
)
def test_the_bound(canary: float, control: float, share: float, requests: int) -> None:
    assert requests_bound(canary, control, share, ALPHA) == pytest.approx(requests, abs=0.6)


def test_arms_that_do_not_differ_carry_no_information() -> None:
    assert information_per_request(0.1, 0.1, 0.3) == pytest.approx(0.0, abs=1e-15)
    assert requests_bound(0.0, 0.0, 0.3, ALPHA) == float("inf")


def requests_until_decided(setting: tuple[float, float, float], rng: random.Random) -> int:
    """Return the requests until method A alone decides, in windows of 0.5 s at 100 per second."""
    canary_rate, control_rate, share = setting
    logs, requests = NO_BETS, 0
    while log_mean(logs) < -log(ALPHA) and requests < REQUESTS_MAX:
        canary = draw(rng, WINDOW_REQUESTS, share)
        control = WINDOW_REQUESTS - canary
        logs = conditional_bets(
            logs,
            Trials(canary, draw(rng, canary, canary_rate)),
            Trials(control, draw(rng, control, control_rate)),
        )
        requests += WINDOW_REQUESTS
    return requests


@pytest.mark.parametrize(
    ("setting", "worked"),
    [
        ((0.05, 0.001, 0.10), 1005),
        ((0.20, 0.001, 0.10), 227),
        ((0.50, 0.001, 0.05), 166),
        ((1.00, 0.001, 0.10), 58),
        ((1.00, 0.001, 0.50), 50),
        ((0.05, 0.010, 0.10), 2496),
        ((0.20, 0.010, 0.10), 308),
    ],
)
def test_method_a_needs_as_many_requests_as_measured(
    setting: tuple[float, float, float], worked: int
) -> None:
    rng, runs = random.Random(f"worked {setting}"), 150
    mean = sum(requests_until_decided(setting, rng) for _ in range(runs)) / runs
    # The worked figures are means of 100 runs, whose own error is up to a tenth.
    assert mean == pytest.approx(worked, rel=0.2)


@pytest.mark.parametrize(("share", "failures"), [(100, 2), (10, 3), (2, 10)])
def test_a_canary_alone_in_failing_needs_ln_of_one_by_alpha_over_ln_of_one_by_its_share(
    share: int, failures: int
) -> None:
    # Windows of one failure each, in which one request of `share` was the canary's.
    bets = NO_BETS
    for _ in range(failures):
        bets = conditional_bets(bets, Trials(1_000, 1), Trials(1_000 * (share - 1), 0))
    worth = failures * log(share)
    assert worth >= -log(ALPHA) > (failures - 1) * log(share)
    # The best bet has all but a little of what any bet can win, and none has more.
    assert 0.9 * worth < max(bets) < worth


@pytest.mark.parametrize(("canary", "control"), [(0, 3), (2, 5), (6, 1)])
def test_windows_of_one_failure_are_the_beta_mixture_of_lindon_and_malek_in_closed_form(
    canary: int, control: int
) -> None:
    share, firmness, points = 0.25, 8.0, 20_000
    a, b = firmness * share, firmness * (1.0 - share)
    closed = (
        _log_beta(a + canary, b + control)
        - _log_beta(a, b)
        - canary * log(share)
        - control * log1p(-share)
    )
    mixed = 0.0
    for point in range(points):
        # The chance q that a failure is the canary's stands for one odds ratio.
        q = (point + 0.5) / points
        odds_ratio = q / (1.0 - q) * (1.0 - share) / share
        factor = canary * log(odds_ratio) - (canary + control) * log_normaliser(odds_ratio, 1, 3, 1)
        density = (a - 1.0) * log(q) + (b - 1.0) * log1p(-q) - _log_beta(a, b)
        mixed += exp(factor + density) / points
    assert log(mixed) == pytest.approx(closed, abs=1e-4)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
