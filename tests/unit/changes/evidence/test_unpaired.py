import random
from collections.abc import Iterator
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import ArmCounts, Trials
from ostiary.changes.evidence.unpaired import (
    NO_UNPAIRED_EVIDENCE,
    UnpairedEvidence,
    overturn_limit,
)
from tests.unit.changes.evidence.distributions import binomial, draw


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 20), st.floats(0.005, 0.2), st.floats(0.0, 1.0))
def test_expects_at_most_one_while_the_rate_is_bearable(
    requests: int, limit: float, part: float
) -> None:
    for point in range(10):
        expectation = sum(
            p
            * exp(
                NO_UNPAIRED_EVIDENCE.update(ArmCounts(requests, k, 0, k), limit).limit_logs[point]
            )
            for k, p in binomial(requests, limit * part)
        )
        assert expectation <= 1.0 + 1e-9


def window(requests: int, chance: float, late: float) -> Iterator[tuple[ArmCounts, int, float]]:
    """Yield one window's counts, how many second opinions end later, and the probability.

    Each attempt of either version fails with the same chance.
    """
    for faults, p_faults in binomial(requests, chance):
        for overturned, p_overturned in binomial(faults, 1.0 - chance):
            for later, p_later in binomial(overturned, late):
                counts = ArmCounts(requests, faults, 0, overturned - later)
                yield counts, later, p_faults * p_overturned * p_later


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 4), st.integers(0, 4)),
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    st.floats(0.0, 1.0),
)
def test_expects_at_most_one_when_either_version_fails_by_the_same_chance(
    requests: tuple[int, int], chances: tuple[float, float], late: float
) -> None:
    first_sum = second_sum = [0.0] * 7
    for first, later, p_first in window(requests[0], chances[0], late):
        after_first = NO_UNPAIRED_EVIDENCE.update(first, 0.01)
        first_sum = added(first_sum, p_first, after_first)
        for second, _, p_second in window(requests[1], chances[1], late):
            counts = second + ArmCounts(overturned=later)
            second_sum = added(second_sum, p_first * p_second, after_first.update(counts, 0.01))
    assert max(*first_sum, *second_sum) <= 1.0 + 1e-9


def added(sums: list[float], chance: float, evidence: UnpairedEvidence) -> list[float]:
    """Return the expectations of each stake's e-process with one more outcome."""
    logs = evidence.chance_logs
    return [total + chance * exp(value) for total, value in zip(sums, logs, strict=True)]


@pytest.mark.parametrize("chance", [0.05, 0.2, 0.3, 0.5, 0.9])
def test_an_outage_of_both_versions_is_no_evidence_while_second_opinions_are_under_way(
    chance: float,
) -> None:
    requests = 2_000
    faults = int(requests * chance)
    overturned = int(faults * (1.0 - chance))
    evidence = NO_UNPAIRED_EVIDENCE
    for _ in range(20):
        evidence = evidence.update(ArmCounts(requests, faults, 0, overturned), 0.005)
        assert evidence.log_e <= 0.0


def test_a_canary_that_fails_where_the_last_good_version_does_not_is_found() -> None:
    rng = random.Random(3)
    evidence = NO_UNPAIRED_EVIDENCE
    windows = 0
    while evidence.log_e < log(1e4) and windows < 100:
        broken = draw(rng, 20, 0.5)
        evidence = evidence.update(ArmCounts(20, broken, 0, broken), 0.02)
        windows += 1
    assert windows <= 6


def test_a_flapping_store_is_never_taken_for_the_canary() -> None:
    rng = random.Random(4)
    evidence, largest = NO_UNPAIRED_EVIDENCE, 0.0
    for window in range(600):
        chance = 0.5 if window % 20 < 5 else 0.0
        faults = draw(rng, 20, chance)
        overturned = draw(rng, faults, 1.0 - chance)
        evidence = evidence.update(ArmCounts(20, faults, 0, overturned), 0.02)
        largest = max(largest, evidence.log_e)
    assert largest < log(1_000.0)


def test_second_opinions_that_end_a_window_later_are_not_lost() -> None:
    evidence = NO_UNPAIRED_EVIDENCE.update(ArmCounts(0, 0, 0, 3), 0.02)
    assert evidence.pending == 3
    assert evidence.update(ArmCounts(5, 0, 0, 0), 0.02).pending == 0
    late = NO_UNPAIRED_EVIDENCE.update(ArmCounts(4, 4, 0, 0), 0.02)
    assert late.unresolved == 4
    in_time = late.update(ArmCounts(4, 0, 0, 4), 0.02)
    too_late = late.update(ArmCounts(4, 0, 0, 0), 0.02)
    assert in_time.log_e > 0.0 > too_late.log_e


@pytest.mark.parametrize(
    ("history", "lowest", "highest"),
    [
        (Trials(0, 0), 0.2, 0.2),
        (Trials(10, 0), 0.2, 0.2),
        (Trials(1_000, 0), 0.02, 0.04),
        (Trials(100_000, 0), 0.005, 0.005),
        (Trials(10_000, 100), 0.02, 0.04),
        (Trials(50, 50), 0.2, 0.2),
    ],
)
def test_the_limit_follows_what_the_control_arm_showed(
    history: Trials, lowest: float, highest: float
) -> None:
    assert lowest <= overturn_limit(history, 1e-5) <= highest


def test_the_limit_covers_the_true_rate_at_whatever_moment_one_looks() -> None:
    rng, missed = random.Random(5), 0
    for _ in range(200):
        events = 0
        for requests in range(1, 400):
            events += rng.random() < 0.05
            # The limit is twice the upper end, and never above 20 %.
            if requests % 20 == 0 and overturn_limit(Trials(requests, events), 0.1) < 2 * 0.05:
                missed += 1
                break
    assert missed <= 0.1 * 200


def test_a_subjects_further_answers_speak_neither_for_the_canary_nor_against_it() -> None:
    """Ten failures of one subject, all overturned, are one; none of them has failed twice."""
    stormy = ArmCounts(requests=50, faults=10, overturned=1, repeats=9)
    calm = ArmCounts(requests=41, faults=1, overturned=1)
    one, other = NO_UNPAIRED_EVIDENCE, NO_UNPAIRED_EVIDENCE
    for _ in range(5):
        one, other = one.update(stormy, 0.01), other.update(calm, 0.01)
    assert one.chance_logs == other.chance_logs
    assert one.unresolved == 0
