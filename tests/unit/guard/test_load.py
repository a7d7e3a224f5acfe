"""What the guard makes of the replicas' own counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.guard.load import count_in, rate_of, read_measurement
from ostiary.kernel.errors import UsageError

METRICS = """\
# HELP ostiary_identity_hash_requests_total Requests for a password hash.
ostiary_identity_hash_requests_total{priority="known",result="hashed"} 5.0
ostiary_identity_hash_requests_total{priority="other",result="hashed"} 7.0
ostiary_identity_hash_requests_total{priority="other",result="shed"} 3.0
ostiary_identity_hash_queue_length 2.0
"""


def test_those_who_were_sent_away_count_too() -> None:
    assert count_in(METRICS) == 15


@pytest.mark.parametrize("text", ["", "other 1.0\n", "ostiary_identity_hash_requests_total{} x\n"])
def test_metrics_without_the_counter_are_no_load_of_zero(text: str) -> None:
    with pytest.raises(ValueError, match=r"no such metric|could not convert"):
        count_in(text)


def test_the_rate_is_that_between_the_first_and_the_last_reading() -> None:
    assert rate_of([(10.0, 100.0), (15.0, 130.0), (20.0, 200.0)]) == 10.0


def test_one_reading_and_a_counter_that_began_anew_tell_no_rate() -> None:
    assert rate_of([(10.0, 100.0)]) is None
    assert rate_of([(10.0, 100.0), (15.0, 3.0)]) is None


READING = st.tuples(st.floats(0, 1e6), st.floats(0, 1e9))


@given(st.lists(READING, min_size=1, max_size=7))
def test_a_rate_is_never_negative(readings) -> None:
    rate = rate_of(readings)
    assert rate is None or rate >= 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"snapshot": "", "sign_ins_per_second": 5},
        {"snapshot": "s-1", "sign_ins_per_second": 0},
        {"snapshot": "s-1", "sign_ins_per_second": "many"},
        {"snapshot": "s-1", "sign_ins_per_second": float("nan")},
    ],
)
def test_what_is_no_measurement_is_refused(body) -> None:
    with pytest.raises(UsageError):
        read_measurement(body)
