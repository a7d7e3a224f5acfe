import random
from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import ArmCounts, Trials
from ostiary.changes.evidence.unpaired import NO_UNPAIRED_EVIDENCE, overturn_limit
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


@settings(derandomize=True, deadline=None)
@given(st.floats(0.0, 1.0))
def test_expects_at_most_one_when_either_version_fails_by_the_same_chance(chance: float) -> None:
    cases = [
        (1.0 - chance, ArmCounts(1, 0, 0, 0), 0),
        (chance * (1.0 - chance), ArmCounts(1, 1, 0, 1), 0),
        (chance * chance, ArmCounts(1, 1, 0, 0), 1),
    ]
    for stake in range(7):
        expectation = 0.0
        for probability, counts, _ in cases:
            after = NO_UNPAIRED_EVIDENCE.update(counts, 0.01)
            if after.unresolved:
                # A fault counts as failed twice once the next window has not overturned it; that
                # window's own request is not part of this trial.
                after = after.update(ArmCounts(), 0.01)
                well = NO_UNPAIRED_EVIDENCE.update(ArmCounts(1), 0.01).chance_logs[stake]
                expectation += probability * exp(after.chance_logs[stake] - well)
            else:
                expectation += probability * exp(after.chance_logs[stake])
        assert expectation <= 1.0 + 1e-9


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
