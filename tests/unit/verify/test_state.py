"""When keys are fetched, and for how long they count."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.verify.keys.key_set import KeySet
from ostiary.verify.keys.state import (
    KeyState,
    Pace,
    after_failure,
    after_success,
    may_ask,
    retry_after_seconds,
)

PACE = Pace()
KEYS = KeySet([])
ROUNDING = 1e-6
"""What sums of seconds may differ by, after many days."""


def success(state: KeyState, *, now: float, max_age: float | None = 60) -> KeyState:
    return after_success(state, KEYS, max_age, now=now, pace=PACE)


def test_keys_are_fetched_again_before_they_are_old() -> None:
    assert success(KeyState(), now=1000).next_attempt_at == 1048


@pytest.mark.parametrize(
    ("max_age", "lifetime"), [(None, 300), (0, 10), (60, 60), (10**9, 3600), (-5, 10)]
)
def test_a_lifetime_that_the_issuer_states_is_moved_into_bounds(
    max_age: float | None, lifetime: float
) -> None:
    state = success(KeyState(), now=0, max_age=max_age)
    assert state.next_attempt_at == pytest.approx(0.8 * lifetime)
    assert state.usable_until == lifetime + PACE.stale_seconds


def test_keys_count_for_the_stated_time_after_their_issuer_is_gone_and_no_longer() -> None:
    state = success(KeyState(), now=0)
    for now in range(48, 86_460, 30):
        state = after_failure(state, now=now, pace=PACE)
    assert state.usable(86_459.999) is KEYS
    assert state.usable(86_460) is None


def test_a_failing_issuer_is_asked_less_and_less_often() -> None:
    state, waits = KeyState(), []
    for _ in range(8):
        state = after_failure(state, now=0, pace=PACE)
        waits.append(state.next_attempt_at)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert success(state, now=0).failures == 0


def test_unknown_keys_are_asked_for_at_a_limited_rate() -> None:
    state = success(KeyState(), now=1000)
    assert not may_ask(state, now=1009.9, pace=PACE)
    assert may_ask(state, now=1010, pace=PACE)
    failing = after_failure(state, now=1010, pace=PACE)
    assert not may_ask(failing, now=1010.9, pace=PACE)
    assert may_ask(failing, now=1011, pace=PACE)


def test_at_first_anybody_may_ask() -> None:
    assert may_ask(KeyState(), now=0, pace=PACE)


@given(
    outcomes=st.lists(
        st.tuples(
            st.booleans(),
            st.floats(0, 1e6),
            st.one_of(st.none(), st.floats(-1e9, 1e9)),
        ),
        max_size=60,
    )
)
@settings(deadline=None)
def test_whatever_happens_attempts_stay_bounded_and_so_does_trust(
    outcomes: list[tuple[bool, float, float | None]],
) -> None:
    state, now, fetched_at = KeyState(), 0.0, None
    for good, passed, max_age in outcomes:
        now += passed
        if good:
            state, fetched_at = success(state, now=now, max_age=max_age), now
        else:
            state = after_failure(state, now=now, pace=PACE)
        wait = state.next_attempt_at - now
        assert 1 - ROUNDING <= wait <= 0.8 * PACE.lifetime_seconds_max + ROUNDING
        assert 1 <= retry_after_seconds(state, now=now) <= 31
        assert not may_ask(state, now=now, pace=PACE)
        if fetched_at is None:
            assert state.usable(now) is None
        else:
            most = PACE.lifetime_seconds_max + PACE.stale_seconds
            assert state.usable_until <= fetched_at + most + ROUNDING
