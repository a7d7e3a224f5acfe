"""A thousand million requests: numbers stay numbers, sums do not drift, and work stays bounded."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb, isfinite, log

import pytest

from ostiary.changes.evidence import (
    ArmCounts,
    Evidence,
    EvidenceSettings,
    StratumWindow,
    noninferiority,
)
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.hypergeometric import log_normaliser
from ostiary.changes.evidence.mixture import NO_BETS, ODDS_RATIOS, conditional_bets, log_mean
from ostiary.changes.evidence.two_sample import log_ratio
from ostiary.changes.evidence.unpaired import overturn_limit

BILLION = 10**9


def exact_log(number: Fraction) -> float:
    """Return the logarithm of a fraction that may be too large or too small for a float."""
    with localcontext(prec=60):
        return float((Decimal(number.numerator) / Decimal(number.denominator)).ln())


def exact_normaliser(odds_ratio: Fraction, canary: int, control: int, failures: int) -> float:
    total = sum(
        odds_ratio**x * comb(canary, x) * comb(control, failures - x)
        for x in range(max(0, failures - control), min(failures, canary) + 1)
    )
    return exact_log(total / comb(canary + control, failures))


@pytest.mark.parametrize("odds_ratio", [Fraction(3, 2), Fraction(20), Fraction(1000)])
@pytest.mark.parametrize(
    ("canary", "control", "failures"),
    [(25, 25, 25), (500, 500, 30), (5, 495, 250), (700, 300, 999), (2_000, 2_000, 1_500)],
)
def test_the_normaliser_agrees_with_exact_fractions(
    odds_ratio: Fraction, canary: int, control: int, failures: int
) -> None:
    exact = exact_normaliser(odds_ratio, canary, control, failures)
    found = log_normaliser(float(odds_ratio), canary, control, failures)
    assert found == pytest.approx(exact, rel=1e-11, abs=1e-10)


def test_a_billion_requests_in_windows_sum_up_without_drift() -> None:
    windows, canary, control = 50_000, Trials(10_000, 60), Trials(10_000, 50)
    logs = NO_BETS
    for _ in range(windows):
        logs = conditional_bets(logs, canary, control)
    for value, ratio in zip(logs, ODDS_RATIOS, strict=True):
        factor = canary.events * log(ratio) - log_normaliser(ratio, 10_000, 10_000, 110)
        with localcontext(prec=60):
            exact = float(Decimal(factor) * windows)
        assert value == pytest.approx(exact, rel=1e-10)
    assert isfinite(log_mean(logs))


def test_the_factor_of_a_window_is_as_exact_as_its_sum_needs() -> None:
    ratio = Fraction(3, 2)
    exact = exact_normaliser(ratio, 1_000, 1_000, 11)
    # Over a million such windows the error stays below a hundredth of a nat.
    assert abs(log_normaliser(1.5, 1_000, 1_000, 11) - exact) < 1e-8


class Counted(float):
    """A number that counts how often it takes part in a product."""

    used = 0

    def __mul__(self, other: float) -> float:
        Counted.used += 1
        return float(self) * other

    __rmul__ = __mul__


@pytest.mark.parametrize("failures", [1, 1_000, 500_000, 999_999])
def test_a_block_of_a_million_requests_takes_a_few_thousand_terms(failures: int) -> None:
    Counted.used = 0
    log_normaliser(Counted(2.0), 500_000, 500_000, failures)
    # Ten standard deviations of 350 on each side, and twenty bisections.
    assert 0 < Counted.used < 10_000


@pytest.mark.parametrize("failing", [0, 1, 10**6, BILLION - 1, BILLION])
def test_one_window_of_a_billion_requests_gives_numbers(failing: int) -> None:
    evidence = Evidence(settings=EvidenceSettings(strata=("token",)))
    counts = ArmCounts(BILLION, failing, 0, failing)
    quiet = ArmCounts(BILLION, 10**6, 0, 10**6)
    after = evidence.update([StratumWindow("token", counts, quiet)])
    assert isfinite(after.log_e)
    assert after.decided == (failing > 10**6)
    alone = after.update([StratumWindow("token", counts, ArmCounts())], control_arm=False)
    assert isfinite(alone.log_e)
    assert isfinite(log_ratio(Trials(BILLION, failing), 0.5, 0.25))


def test_the_rest_of_the_evidence_keeps_numbers_at_a_billion_requests() -> None:
    clean = Trials(BILLION, 0)
    two_sample = noninferiority.log_factor(clean, clean, clean, 0.01)
    assert isfinite(noninferiority.log_e(clean, two_sample, 0.01))
    assert overturn_limit(Trials(BILLION, BILLION // 100), 1e-6) == pytest.approx(0.02, rel=0.01)
