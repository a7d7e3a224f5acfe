"""The busiest minute on record: what counts, what is journalled, what is forgotten."""

import datetime as dt

import pytest

from ostiary.guard.busiest import BusiestMinute

DAY = dt.date(2026, 3, 1)


class Replicas:
    """Two replicas that are read every five seconds, and do as many sign-ins a second as told."""

    def __init__(self, busiest: BusiestMinute) -> None:
        self.busiest = busiest
        self.at = 1_000.0
        self.counts = {"a": 500.0, "b": 7.0}
        self.day = DAY
        self.entries: list[dict[str, object]] = []

    def go(self, seconds: float, rate: float) -> None:
        for _ in range(int(seconds / 5)):
            self.at += 5
            for name in self.counts:
                self.counts[name] += rate * 5 / len(self.counts)
                self.busiest.read(name, self.at, self.counts[name])
            self.entries += self.busiest.judge(self.at, self.day)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas(BusiestMinute())


def test_all_replicas_count_together_and_what_was_before_does_not(replicas) -> None:
    replicas.go(300, 8.0)
    assert replicas.busiest.sign_ins_per_second == pytest.approx(8.0, rel=0.1)
    assert replicas.entries == [{"day": "2026-03-01", "sign_ins_per_second": 8.0}]


def test_a_minute_that_is_not_whole_is_no_record(replicas) -> None:
    replicas.go(120, 8.0)
    assert replicas.busiest.sign_ins_per_second is None


def test_only_a_higher_minute_is_journalled_again(replicas) -> None:
    replicas.go(600, 8.0)
    replicas.go(600, 2.0)
    assert len(replicas.entries) == 1
    replicas.go(300, 20.0)
    assert replicas.entries[-1]["sign_ins_per_second"] == 20.0
    # The minute fills up in steps of five seconds, and each is a little more than the one before.
    assert len(replicas.entries) <= 14


def test_a_peak_of_ten_seconds_is_a_sixth_of_its_height(replicas) -> None:
    replicas.go(300, 0.0)
    replicas.go(10, 60.0)
    replicas.go(300, 0.0)
    assert replicas.busiest.sign_ins_per_second == 10.0


def test_the_days_are_remembered_for_four_weeks(replicas) -> None:
    replicas.go(300, 30.0)
    replicas.go(300, 0.0)
    replicas.day += dt.timedelta(days=10)
    replicas.go(300, 5.0)
    replicas.day = DAY + dt.timedelta(days=28)
    replicas.go(5, 0.0)
    assert replicas.busiest.sign_ins_per_second == 30.0
    replicas.day += dt.timedelta(days=1)
    replicas.go(5, 0.0)
    assert replicas.busiest.sign_ins_per_second == 5.0


def test_the_next_guard_knows_the_record_and_the_days_that_were_over(replicas) -> None:
    replicas.go(300, 30.0)
    replicas.go(300, 0.0)
    replicas.day += dt.timedelta(days=1)
    replicas.go(300, 12.0)
    replicas.day += dt.timedelta(days=1)
    replicas.go(200, 0.0)
    replicas.go(5, 0.0)

    after = BusiestMinute()
    for entry in replicas.entries:
        after.recall(entry)
    assert after.sign_ins_per_second == 30.0
    after.judge(1.0, DAY + dt.timedelta(days=29))
    assert after.sign_ins_per_second == 12.0
    after.judge(1.0, DAY + dt.timedelta(days=40))
    assert after.sign_ins_per_second is None


def test_who_measures_says_so_and_is_not_on_record(replicas) -> None:
    replicas.go(300, 4.0)
    began = replicas.at
    replicas.go(60, 400.0)
    replicas.busiest.leave_out(began - 5)
    replicas.go(600, 4.0)
    assert replicas.busiest.sign_ins_per_second == pytest.approx(4.0)


def test_a_counter_that_began_anew_and_one_that_was_not_read_add_nothing(replicas) -> None:
    replicas.go(300, 4.0)
    replicas.counts["a"] = 0.0
    replicas.go(5, 0.0)
    replicas.counts["b"] += 100_000
    replicas.at += 600
    replicas.go(300, 4.0)
    assert replicas.busiest.sign_ins_per_second == pytest.approx(4.0, rel=0.01)
