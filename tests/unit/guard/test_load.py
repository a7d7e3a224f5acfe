"""What the guard makes of the replicas' own counts."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.load import (
    CAPACITY_MEASURED,
    LoadWatch,
    count_in,
    rate_of,
    read_measurement,
)
from ostiary.kernel.errors import UsageError
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import replica

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


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_count_that_is_no_number_is_no_load(value) -> None:
    with pytest.raises(ValueError, match="no such metric"):
        count_in(f"ostiary_identity_hash_requests_total{{}} {value}\n")


def test_one_reading_that_fails_leaves_the_load_and_a_second_one_does_not() -> None:
    async def scenario() -> None:
        clock, answers = FakeClock(), iter([(200, 0), (200, 5), (500, 0), (500, 0), (200, 9)])

        def answer(_request: httpx.Request) -> httpx.Response:
            status, count = next(answers)
            text = f"ostiary_identity_hash_requests_total{{}} {count}\n" if status == 200 else ""
            return httpx.Response(status, text=text)

        watch = LoadWatch(list, clock)
        watch.learn("s-1", 10.0)
        member = replica("identity-1", "s-1")
        loads = []
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for _ in range(5):
                await watch._read(client, member)
                loads.append(watch.load(member))
                clock.advance(1)
        assert loads == [None, 0.5, 0.5, None, None]

    asyncio.run(scenario())


def test_what_the_load_check_needs_is_known_to_the_next_guard_too(tmp_path) -> None:
    clock = FakeClock()
    journal = Journal(tmp_path / "guard.db", clock)
    member = replica("identity-1", "s-1")
    watch = LoadWatch(lambda: [member], clock, journal=journal)
    journal.append(CAPACITY_MEASURED, "s-1", {"sign_ins_per_second": 40.0})
    counts = iter(range(0, 100_000, 25))

    def answer(_request: httpx.Request) -> httpx.Response:
        clients = 'client_share{rank="1"} 0.01\nP_client_networks 5000\nP_client_sign_ins 9000'
        text = f"P_hash_requests_total{{}} {next(counts)}\nP_{clients}\n"
        return httpx.Response(200, text=text.replace("P_", "ostiary_identity_"))

    async def read_for(seconds: int) -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for _ in range(seconds // 5):
                await watch._read(client, member)
                watch._judge_minute()
                clock.advance(5)

    asyncio.run(read_for(200))
    watch.recall(journal.entries())
    known = watch.known("s-1", SnapshotSettings(), "s-2")
    assert (known.capacity, known.candidate_capacity, known.busiest_minute) == (40.0, None, 5.0)
    assert known.keys is not None
    assert known.keys.keys == 5_000

    after = LoadWatch(list, clock)
    after.recall(journal.entries())
    assert after.known("s-1", SnapshotSettings()).busiest_minute == 5.0


def test_a_measurement_is_learnt_and_is_no_busy_minute() -> None:
    clock = FakeClock()
    watch = LoadWatch(list, clock)
    for count in range(0, 60_000, 500):
        watch._busiest.read("identity-1", clock.monotonic(), count)
        clock.advance(5)
        if count == 4_000:
            watch.take({"snapshot": "s-1", "sign_ins_per_second": 40.0, "seconds": 60})
        if count < 9_000:
            watch._judge_minute()
    assert watch.known("s-1", SnapshotSettings()).capacity == 40.0
    assert watch.known("s-1", SnapshotSettings()).busiest_minute is None


def test_a_candidate_without_users_counts_for_nothing() -> None:
    async def scenario() -> None:
        clock, counts = FakeClock(), iter(range(0, 100_000, 500))

        def answer(_request: httpx.Request) -> httpx.Response:
            text = f"ostiary_identity_hash_requests_total{{}} {next(counts)}\n"
            return httpx.Response(200, text=text)

        candidate = replica("identity-2", "s-2")
        watch = LoadWatch(lambda: [candidate], clock, serving=list)
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for _ in range(40):
                await watch._read(client, candidate)
                watch._judge_minute()
                clock.advance(5)
        assert watch.known("s-1", SnapshotSettings()).busiest_minute is None


def test_the_latest_rates_tell_what_was_sent_away_apart() -> None:
    async def scenario() -> None:
        clock, counts = FakeClock(), iter([(10, 0), (30, 4)])

        def answer(_request: httpx.Request) -> httpx.Response:
            hashed, shed = next(counts)
            name = "ostiary_identity_hash_requests_total"
            lines = (
                f'{name}{{priority="newcomer",result="hashed"}} {hashed}',
                f'{name}{{priority="newcomer",result="shed"}} {shed}',
            )
            return httpx.Response(200, text="\n".join(lines))

        watch = LoadWatch(list, clock, stated=lambda _: 8.0)
        watch.learn("s-1", 100.0)
        member = replica("identity-1", "s-1")
        assert watch.latest(member) == (None, None)
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for _ in range(2):
                await watch._read(client, member)
                clock.advance(2)
        assert watch.latest(member) == (12.0, 2.0)
        # What the settings state counts more than what was measured.
        assert watch.capacity(member) == 8.0
        assert watch.load(member) == 1.5

    asyncio.run(scenario())
