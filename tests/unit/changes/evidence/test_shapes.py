"""More harm is more evidence, and what is alike from two sides is alike in numbers."""

from math import log

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence import ArmCounts, noninferiority
from ostiary.changes.evidence.counts import Trials
from ostiary.changes.evidence.hypergeometric import log_normaliser
from ostiary.changes.evidence.mixture import NO_BETS, conditional_bets
from ostiary.changes.evidence.stratum import PairedProcess
from ostiary.changes.evidence.two_sample import log_factor
from ostiary.changes.evidence.unpaired import NO_UNPAIRED_EVIDENCE

SIZES = st.integers(1, 300)
ODDS = st.floats(0.05, 1000.0)
NOTHING = Trials(0, 0)
ROUNDING = 1e-9


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Trials, Trials]:
    canary, control = draw(SIZES), draw(SIZES)
    return (
        Trials(canary, draw(st.integers(0, canary - 1))),
        Trials(control, draw(st.integers(1, control))),
    )


def more(trials: Trials, events: int = 1) -> Trials:
    return Trials(trials.requests, trials.events + events)


@settings(derandomize=True, deadline=None)
@given(blocks(), st.sampled_from((1.0, 3.0)))
def test_a_failure_more_in_the_canary_is_no_less_evidence_for_any_bet(
    block: tuple[Trials, Trials], tolerance: float
) -> None:
    canary, control = block
    before = conditional_bets(NO_BETS, canary, control, tolerance)
    for worse in ((more(canary), control), (more(canary), more(control, -1))):
        after = conditional_bets(NO_BETS, *worse, tolerance)
        assert all(b >= a - ROUNDING for a, b in zip(before, after, strict=True))
        assert log_factor(*worse, (NOTHING, NOTHING), tolerance) >= (
            log_factor(canary, control, (NOTHING, NOTHING), tolerance)
        )
        assert PairedProcess().update(*worse, (NOTHING, NOTHING), tolerance).log_e >= (
            PairedProcess().update(canary, control, (NOTHING, NOTHING), tolerance).log_e - ROUNDING
        )


@settings(derandomize=True, deadline=None)
@given(blocks(), st.sampled_from((0.001, 0.01, 0.1)))
def test_a_failure_more_in_the_canary_clears_less(
    block: tuple[Trials, Trials], margin: float
) -> None:
    canary, control = block
    better = noninferiority.log_factor(canary, control, NOTHING, margin)
    worse = noninferiority.log_factor(more(canary), control, NOTHING, margin)
    assert worse <= better
    assert noninferiority.log_e(more(canary), worse, margin) <= (
        noninferiority.log_e(canary, better, margin)
    )


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 300), st.data(), st.floats(0.005, 0.2))
def test_a_request_more_that_is_overturned_is_more_evidence_without_a_control_arm(
    requests: int, data: st.DataObject, limit: float
) -> None:
    events = data.draw(st.integers(0, requests - 1))
    fewer = NO_UNPAIRED_EVIDENCE.update(ArmCounts(requests, events, 0, events), limit)
    one_more = events + 1
    above = NO_UNPAIRED_EVIDENCE.update(ArmCounts(requests, one_more, 0, one_more), limit)
    assert above.log_e > fewer.log_e


@settings(derandomize=True, deadline=None)
@given(SIZES, SIZES, st.integers(0, 600), ODDS)
def test_the_normaliser_is_alike_for_both_arms_and_for_failures_and_successes(
    canary: int, control: int, failures: int, odds_ratio: float
) -> None:
    assume(failures <= canary + control)
    here = log_normaliser(odds_ratio, canary, control, failures)
    arms_swapped = log_normaliser(1.0 / odds_ratio, control, canary, failures)
    assert here == pytest.approx(failures * log(odds_ratio) + arms_swapped, abs=1e-8)
    successes = canary + control - failures
    outcomes_swapped = log_normaliser(1.0 / odds_ratio, canary, control, successes)
    assert here == pytest.approx(canary * log(odds_ratio) + outcomes_swapped, abs=1e-8)
