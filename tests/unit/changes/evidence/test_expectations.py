"""The expectation of every e-process is at most 1 under its null: counted out, never sampled.

Rates differ from window to window, shares change predictably, arms may be empty. What is summed is
every possible outcome of a few requests with its probability.
"""

from itertools import product
from math import comb, exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence import (
    ArmCounts,
    Evidence,
    EvidenceSettings,
    Metric,
    StratumWindow,
    noninferiority,
)
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.mixture import NO_BETS, conditional_bets, log_mean
from ostiary.changes.evidence.stratum import PairedProcess, StratumEvidence
from ostiary.changes.evidence.unpaired import NO_UNPAIRED_EVIDENCE
from tests.unit.changes.evidence.distributions import arms, binomial

ROUNDING = 1e-9
SHARES = st.sampled_from((0.01, 0.1, 0.5, 0.75, 1.0))
RATES = st.floats(0.0, 1.0)
PARTS = st.floats(0.0, 1.0)
NOTHING = Trials(0, 0)


def odds_times(rate: float, odds_ratio: float) -> float:
    return odds_ratio * rate / (1.0 + (odds_ratio - 1.0) * rate)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(1, 3)),
    st.tuples(SHARES, SHARES, SHARES),
    st.tuples(RATES, RATES, RATES),
    PARTS,
    st.sampled_from((1.0, 2.0)),
)
def test_methods_a_and_c_averaged_expect_at_most_one_along_any_path(
    requests: tuple[int, int, int],
    shares: tuple[float, float, float],
    rates: tuple[float, float, float],
    part: float,
    tolerance: float,
) -> None:
    """A canary is harmless that is better, or worse by the tolerated odds at most."""
    paths = [(PairedProcess(), (NOTHING, NOTHING), 1.0)]
    for number, share, rate in zip(requests, shares, rates, strict=True):
        worse = odds_times(rate, 1.0 + part * (tolerance - 1.0)) if tolerance > 1.0 else rate * part
        after: dict[tuple[PairedProcess, tuple[Trials, Trials]], float] = {}
        for (process, past, chance), (block, p) in product(
            paths, list(arms(number, share, (worse, rate)))
        ):
            known = (_sum(past[0], block[0]), _sum(past[1], block[1]))
            key = process.update(*block, past, tolerance), known
            after[key] = after.get(key, 0.0) + chance * p
        paths = [(process, past, chance) for (process, past), chance in after.items()]
        expectation = sum(chance * exp(process.log_e) for process, _, chance in paths)
        assert expectation <= 1.0 + ROUNDING


def _sum(one: Trials, other: Trials) -> Trials:
    return Trials(one.requests + other.requests, one.events + other.events)


@settings(derandomize=True, deadline=None)
@given(st.lists(RATES, min_size=1, max_size=8), st.floats(0.05, 0.95))
def test_method_a_expects_exactly_one_however_requests_differ_in_their_chance_to_fail(
    rates: list[float], share: float
) -> None:
    # One user whose every request fails, among others: each request has a chance of its own.
    outcomes: dict[tuple[int, int, int, int], float] = {(0, 0, 0, 0): 1.0}
    for rate in rates:
        after: dict[tuple[int, int, int, int], float] = {}
        for (a, b, c, d), chance in outcomes.items():
            for canary, failed in product((0, 1), (0, 1)):
                p = (share if canary else 1.0 - share) * (rate if failed else 1.0 - rate)
                key = (a + canary, b + canary * failed, c + 1 - canary, d + (1 - canary) * failed)
                after[key] = after.get(key, 0.0) + chance * p
        outcomes = after
    expectation = sum(
        chance * exp(log_mean(conditional_bets(NO_BETS, Trials(a, b), Trials(c, d))))
        for (a, b, c, d), chance in outcomes.items()
    )
    assert expectation == pytest.approx(1.0, abs=ROUNDING)


@settings(derandomize=True, deadline=None, max_examples=12)
@given(st.tuples(st.integers(1, 6), st.integers(2, 6)), st.tuples(SHARES, SHARES), RATES, RATES)
def test_blocks_of_several_windows_expect_one_also_where_the_share_changes_between_them(
    requests: tuple[int, int], shares: tuple[float, float], before: float, after: float
) -> None:
    expectation = 0.0
    for (a, b), chance in arms(requests[0], shares[0], (before, before)):
        evidence = joined(StratumEvidence(), a, b)
        if shares[0] != shares[1]:
            evidence = evidence.next_step(tolerance=1.0, margin=0.01)
        for (c, d), p in arms(requests[1], shares[1], (after, after)):
            process = joined(evidence, c, d).paired.get(Metric.FAULTS, PairedProcess())
            expectation += chance * p * exp(log_mean(process.conditional_logs))
    assert expectation == pytest.approx(1.0, abs=ROUNDING)


def joined(evidence: StratumEvidence, canary: Trials, control: Trials) -> StratumEvidence:
    return evidence.with_control(
        ArmCounts(canary.requests, canary.events),
        ArmCounts(control.requests, control.events),
        tolerance=1.0,
        margin=0.01,
    )


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    st.tuples(st.integers(0, 4), st.integers(1, 4)),
    st.tuples(SHARES, SHARES),
    st.tuples(RATES, RATES),
    st.sampled_from((0.01, 0.1)),
)
def test_non_inferiority_expects_at_most_one_at_its_boundary_along_any_path(
    requests: tuple[int, int],
    shares: tuple[float, float],
    rates: tuple[float, float],
    margin: float,
) -> None:
    paths = [(NOTHING, NOTHING, 0.0, 1.0)]
    for number, share, rate in zip(requests, shares, rates, strict=True):
        control_rate = rate * (1.0 - margin)
        after = []
        for (canary, pooled, log_so_far, chance), ((a, b), p) in product(
            paths, list(arms(number, share, (control_rate + margin, control_rate)))
        ):
            two_sample = log_so_far + noninferiority.log_factor(a, b, pooled, margin)
            after.append((_sum(canary, a), _sum(pooled, _sum(a, b)), two_sample, chance * p))
        paths = after
        expectation = sum(
            chance * exp(noninferiority.log_e(canary, two_sample, margin))
            for canary, _, two_sample, chance in paths
        )
        assert expectation <= 1.0 + 1e-6


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(0, 8), st.integers(1, 8)),
    st.tuples(PARTS, PARTS),
    st.floats(0.005, 0.2),
)
def test_the_unpaired_bet_expects_at_most_one_below_the_limit_along_any_path(
    requests: tuple[int, int], parts: tuple[float, float], limit: float
) -> None:
    expectation = 0.0
    for x, p in binomial(requests[0], parts[0] * limit):
        first = NO_UNPAIRED_EVIDENCE.update(ArmCounts(requests[0], x, 0, x), limit)
        for y, q in binomial(requests[1], parts[1] * limit):
            second = first.update(ArmCounts(requests[1], y, 0, y), limit)
            expectation += p * q * exp(log_mean(second.limit_logs))
    assert expectation <= 1.0 + ROUNDING


@settings(derandomize=True, deadline=None, max_examples=10)
@given(st.sampled_from((0.1, 0.5)), st.floats(0.0, 0.4), st.floats(0.0, 0.6), RATES)
def test_the_weighted_total_over_strata_and_metrics_expects_less_than_one(
    share: float, faults: float, refusals: float, granted_again: float
) -> None:
    """A request goes well, faults (and may be overturned), or is refused: all metrics at once.

    The total is linear in the e-processes, so that one stratum with traffic beside others without
    shows it for all.
    """
    cells = {
        (0, 0, 0): 1.0 - faults - refusals,
        (1, 0, 1): faults * granted_again,
        (1, 0, 0): faults * (1.0 - granted_again),
        (0, 1, 0): refusals,
    }
    evidence = Evidence(settings=EvidenceSettings(strata=("sign_in", "token", "page")))
    expectation = 0.0
    for canary, p_canary in binomial(5, share):
        for a, p_a in multinomial(canary, cells):
            for b, p_b in multinomial(5 - canary, cells):
                after = evidence.update([StratumWindow("token", a, b)]).next_step()
                expectation += p_canary * p_a * p_b * exp(after.log_e)
    assert expectation <= 1.0


def multinomial(
    requests: int, cells: dict[tuple[int, int, int], float]
) -> list[tuple[ArmCounts, float]]:
    """Return each way in which an arm's requests can go, with its probability."""
    ways = [(0, ArmCounts(), 1.0)]
    for (fault, refusal, again), chance in cells.items():
        ways = [
            (
                used + number,
                counts + ArmCounts(number, number * fault, number * refusal, number * again),
                p * comb(requests - used, number) * chance**number,
            )
            for used, counts, p in ways
            for number in range(requests - used + 1)
        ]
    return [(counts, p) for used, counts, p in ways if used == requests and p > 0.0]
