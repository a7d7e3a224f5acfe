"""A change of the edge is judged per replica: capacity, and shares as intended."""

import random

import pytest

from ostiary.changes.balance import STRAINED_LOOKS, Balance, SeatReading
from ostiary.changes.evidence.shares import largest_excess, shares_log_e

EVEN = (1 / 3, 1 / 3, 1 / 3)
HEAVY = (0.8, 0.1, 0.1)
NEW = Balance(intended=HEAVY, former=EVEN, alpha=0.001)


def looked(
    balance: Balance,
    *seats: tuple[float | None, float | None],
    arm: tuple[int, ...] = (8, 1, 1),
    capacity: float | None = 10.0,
    times: int = STRAINED_LOOKS,
) -> Balance:
    """Look so many times at replicas by what they were asked for and what they sent away."""
    for _ in range(times):
        readings = (
            SeatReading(f"r{seat}", counted, 5, asked, shed, capacity)
            for seat, ((asked, shed), counted) in enumerate(zip(seats, arm, strict=True))
        )
        balance = balance.update(tuple(readings), undisturbed=True)
    return balance


IDLE = (2.0, 0.0)


@pytest.mark.parametrize("strained", [(11.5, 0.0), (9.0, 2.0), (None, 1.0)])
def test_a_replica_that_is_driven_past_its_capacity_alone_is_named(strained) -> None:
    reason = looked(NEW, strained, IDLE, IDLE).overloaded()
    assert reason is not None
    assert reason.code == "replica_overloaded"
    assert "Replica r0 (seat 0)" in reason.text
    assert reason.numbers["seat"] == 0


def test_a_moment_of_strain_is_no_verdict_but_no_time_to_go_on_either() -> None:
    strained = looked(NEW, (12.0, 3.0), IDLE, IDLE, times=STRAINED_LOOKS - 1)
    assert strained.overloaded() is None
    assert not strained.settled
    assert not looked(strained, IDLE, IDLE, IDLE, times=STRAINED_LOOKS - 1).settled
    calm = looked(strained, IDLE, IDLE, IDLE)
    assert calm.settled
    assert looked(calm, (12.0, 3.0), IDLE, IDLE, times=STRAINED_LOOKS - 1).overloaded() is None


def test_strain_with_a_break_is_found_all_the_same() -> None:
    balance = NEW
    for _ in range(STRAINED_LOOKS):
        balance = looked(balance, (12.0, 3.0), IDLE, IDLE, times=2)
        if balance.overloaded() is not None:
            return
        balance = looked(balance, IDLE, IDLE, IDLE, times=1)
    raise AssertionError("strain at two of three looks was passed over")


def test_what_overloads_everybody_is_the_traffic() -> None:
    everybody = [(12.0, 3.0)] * 3
    assert looked(NEW, *everybody).overloaded() is None


def test_a_replica_that_the_change_relieves_is_not_held_against_it() -> None:
    relief = Balance(intended=EVEN, former=HEAVY, alpha=0.001)
    assert looked(relief, (12.0, 3.0), IDLE, IDLE, arm=(4, 4, 4)).overloaded() is None


def test_without_intended_shares_what_was_counted_says_who_gets_more() -> None:
    hashed = Balance(intended=None, former=None, alpha=0.001)
    assert looked(hashed, (12.0, 3.0), IDLE, IDLE, arm=(8, 1, 1)).overloaded() is not None
    assert looked(hashed, (12.0, 3.0), IDLE, IDLE, arm=(3, 4, 4)).overloaded() is None
    assert looked(hashed, IDLE, IDLE, IDLE, arm=(8, 1, 1)).lopsided() is None


def test_a_step_is_looked_at_often_enough_before_the_next_one() -> None:
    assert not looked(NEW, IDLE, IDLE, IDLE, times=STRAINED_LOOKS - 1).settled
    step = looked(NEW, IDLE, IDLE, IDLE)
    assert step.settled
    assert not step.next_step().settled


def test_shares_that_nobody_asked_for_are_found_within_some_tens_of_requests() -> None:
    wrong = looked(NEW, IDLE, IDLE, IDLE, arm=(3, 3, 4), times=3)
    reason = wrong.lopsided()
    assert reason is not None
    assert "r2 (seat 2) gets 40% of the requests that the proposed settings spread, not 10%" in (
        reason.text
    )
    assert looked(NEW, IDLE, IDLE, IDLE, arm=(80, 10, 10), times=50).lopsided() is None


def test_disturbed_counts_are_no_evidence() -> None:
    reading = tuple(SeatReading(f"r{seat}", 100 * seat, 0) for seat in range(3))
    balance = NEW.update(reading, undisturbed=False)
    assert balance.lopsided() is None
    assert balance.counted == ()


@pytest.mark.parametrize("intended", [EVEN, HEAVY])
def test_looking_after_every_request_raises_few_false_alarms(intended) -> None:
    seed, runs, threshold = "shares", 400, 3.0
    print(f"seed {seed}")
    alarms = 0
    for run in range(runs):
        rng = random.Random(f"{seed}-{intended}-{run}")
        counts = [0, 0, 0]
        for _ in range(300):
            counts[rng.choices(range(3), intended)[0]] += 1
            if shares_log_e(counts, intended) >= threshold:
                alarms += 1
                break
    # At most exp(-3), about 5 % of 400 runs, by Ville's inequality; 99 % of the binomial.
    assert alarms <= 31


def test_the_excess_names_who_gets_the_most_beyond_its_share() -> None:
    assert largest_excess((0, 0), (0.5, 0.5)) == (0, 1.0)
    assert largest_excess((50, 50), (0.8, 0.2)) == (1, 2.5)
