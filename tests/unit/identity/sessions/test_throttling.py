import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.passwords.admission import Priority
from ostiary.identity.sessions.throttling import (
    DEVICE,
    ELSEWHERE,
    NETWORK,
    NETWORK_RANGE,
    PAIR,
    PAIR_RANGE,
    WAIT_SECONDS_MAX,
    FailureRecord,
    RecentFailures,
    priority_of,
    seconds_to_wait,
    wait_seconds,
)

LIMITS = (PAIR, PAIR_RANGE, DEVICE, ELSEWHERE, NETWORK, NETWORK_RANGE)
MANY = FailureRecord(10_000, 1000)
RECORDS = st.builds(FailureRecord, st.integers(0, 1000), st.integers(0, 2000))
FAILURES = st.builds(RecentFailures, *[RECORDS] * 6)


@pytest.mark.parametrize(
    ("count", "wait"),
    [(0, 0), (1, 0), (9, 0), (10, 1), (11, 2), (12, 4), (13, 8), (14, 16), (15, 30), (900, 30)],
)
def test_the_wait_grows_with_the_failures_up_to_half_a_minute(count: int, wait: int) -> None:
    last_at = 1000 if count else None
    assert wait_seconds(FailureRecord(count, last_at), PAIR, now=1000) == wait


def test_the_wait_passes() -> None:
    record = FailureRecord(12, last_at=1000)
    waits = [wait_seconds(record, PAIR, now=now) for now in range(1000, 1006)]
    assert waits == [4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize("limit", LIMITS)
def test_failures_beyond_those_that_are_counted_change_nothing(limit) -> None:
    counted = FailureRecord(limit.counted_max, 1000)
    assert wait_seconds(counted, limit, now=1000) == wait_seconds(MANY, limit, now=1000)


@given(FAILURES, st.booleans(), st.integers(0, 2**40))
def test_nobody_ever_waits_longer_than_the_maximum(failures, known, now) -> None:
    assert 0 <= seconds_to_wait(failures, known=known, now=now) <= WAIT_SECONDS_MAX


@given(RECORDS, st.sampled_from(LIMITS), st.integers(0, 3000))
def test_one_failure_more_never_shortens_the_wait(record, limit, now) -> None:
    more = FailureRecord(record.count + 1, record.last_at)
    assert wait_seconds(more, limit, now=now) >= wait_seconds(record, limit, now=now)


@given(FAILURES, st.integers(0, 3000))
def test_a_known_browser_waits_for_its_own_failures_only(failures, now) -> None:
    alone = RecentFailures(device=failures.device)
    wait = seconds_to_wait(failures, known=True, now=now)
    assert wait == seconds_to_wait(alone, known=True, now=now)


def test_many_people_in_one_network_wait_shortly_at_most() -> None:
    assert seconds_to_wait(RecentFailures(network=MANY), known=False, now=1000) <= 8
    assert seconds_to_wait(RecentFailures(network_range=MANY), known=False, now=1000) <= 2


@given(FAILURES)
def test_a_known_browser_is_never_less_urgent_than_an_unknown_one(failures) -> None:
    assert priority_of(failures, known=True) <= priority_of(failures, known=False)


def test_urgency_follows_what_speaks_for_and_against_an_attempt() -> None:
    clean, guessed = RecentFailures(), RecentFailures(elsewhere=MANY)
    assert priority_of(clean, known=True) is Priority.KNOWN
    assert priority_of(guessed, known=True) is Priority.KNOWN
    assert priority_of(clean, known=False) is Priority.OTHER
    assert priority_of(guessed, known=False) is Priority.SUSPECT
    assert priority_of(RecentFailures(device=MANY), known=True) is Priority.OTHER
