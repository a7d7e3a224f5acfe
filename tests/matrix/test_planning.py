"""A schedule is a function of its seed, bounded, and can be cut down to some of its faults."""

from hypothesis import given
from hypothesis import strategies as st

from tests.matrix.planning import (
    AWAY_SECONDS,
    PAUSE_SECONDS,
    Action,
    Store,
    Target,
    make_plan,
)

SEEDS = st.integers(min_value=0, max_value=2**31)


@given(SEEDS)
def test_the_same_seed_gives_the_same_schedule(seed: int) -> None:
    assert make_plan(seed, 60.0) == make_plan(seed, 60.0)


@given(SEEDS, st.floats(min_value=10.0, max_value=600.0))
def test_every_fault_lies_within_the_run_and_is_bounded(seed: int, seconds: float) -> None:
    plan = make_plan(seed, seconds)
    longest = max(*PAUSE_SECONDS, *AWAY_SECONDS)
    assert [fault.number for fault in plan.faults] == list(range(len(plan.faults)))
    assert all(0 < fault.at < seconds and 0 <= fault.seconds <= longest for fault in plan.faults)
    assert list(plan.faults) == sorted(plan.faults, key=lambda fault: fault.at)


@given(SEEDS, st.sampled_from(Store))
def test_each_database_has_the_faults_that_it_can_have(seed: int, store: Store) -> None:
    faults = make_plan(seed, 120.0, store=store).faults
    locks = [fault for fault in faults if fault.action is Action.LOCK]
    of_database = [fault for fault in faults if fault.target is Target.DATABASE]
    assert locks == (of_database if store is Store.SQLITE else [])


def test_all_seeds_together_break_everything_in_every_way() -> None:
    plans = [make_plan(seed, 60.0) for seed in range(1, 41)]
    hit = {(fault.target, fault.action) for plan in plans for fault in plan.faults}
    usual = {Action.KILL, Action.PAUSE, Action.RESTART}
    assert hit == {(target, action) for target in Target for action in usual} | {
        (Target.DATABASE, Action.LOCK)
    }
    assert {plan.store for plan in plans} == set(Store)
    assert {plan.change_at is None for plan in plans} == {True, False}


def test_some_faults_of_a_schedule_keep_their_numbers_and_times() -> None:
    whole, some = make_plan(7, 60.0), make_plan(7, 60.0, only={1, 4})
    assert some.faults == (whole.faults[1], whole.faults[4])
    assert (some.store, some.change_at) == (whole.store, whole.change_at)
