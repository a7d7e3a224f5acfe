"""A replica whose clock is wrong: it says so where the database's clock can be asked."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from ostiary.identity.store.engine import open_store
from ostiary.identity.store.starting import prepare
from ostiary.kernel.ids import SeededRandom
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.postgres


def said_at_start(postgres_url: str, *, off_by_seconds: float) -> list[dict[str, object]]:
    clock, rng = FakeClock(datetime.now(UTC)), SeededRandom(1)
    clock.jump(off_by_seconds)
    store = open_store(postgres_url, clock=clock, rng=rng)
    try:
        with capture_logs() as logs:
            prepare(store, clock, rng, wait_seconds_max=30)
    finally:
        store.close()
    return [entry for entry in logs if "clock" in str(entry["event"])]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_an_hour_off_is_told_with_the_difference(postgres_url, hours):
    (entry,) = said_at_start(postgres_url, off_by_seconds=3600 * hours)
    assert entry["log_level"] == "error"
    assert entry["seconds"] == pytest.approx(-3600 * hours, abs=30)


def test_a_clock_that_is_right_is_not_mentioned(postgres_url):
    assert said_at_start(postgres_url, off_by_seconds=0) == []
