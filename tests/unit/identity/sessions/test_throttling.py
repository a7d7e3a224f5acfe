import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.sessions.failures import FailureRecord
from ostiary.identity.sessions.throttling import WAIT_SECONDS_MAX, wait_seconds


@pytest.mark.parametrize(
    ("count", "wait"),
    [(0, 0), (1, 0), (9, 0), (10, 1), (11, 2), (12, 4), (13, 8), (14, 16), (15, 30), (900, 30)],
)
def test_the_wait_grows_with_the_failures_up_to_half_a_minute(count: int, wait: int) -> None:
    last_at = 1000 if count else None
    assert wait_seconds(FailureRecord(count, last_at), now=1000) == wait


def test_the_wait_passes() -> None:
    record = FailureRecord(12, last_at=1000)
    assert [wait_seconds(record, now=now) for now in range(1000, 1006)] == [4, 3, 2, 1, 0, 0]


@given(st.integers(0, 10**9), st.integers(0, 2**40), st.integers(0, 2**40))
def test_nobody_ever_waits_longer_than_the_maximum(count: int, last_at: int, now: int) -> None:
    assert 0 <= wait_seconds(FailureRecord(count, last_at), now=now) <= WAIT_SECONDS_MAX
