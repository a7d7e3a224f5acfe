"""What is over is deleted as fast as it can be written, on every store."""

from sqlalchemy import func, insert, select

from ostiary.identity.sessions.failures import PURGED_ROWS_MAX
from ostiary.identity.sessions.housekeeping import INTERVAL_SECONDS, ROUNDS_MAX, Housekeeping
from ostiary.identity.sessions.throttling import WINDOW_SECONDS
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import sign_in_failures
from ostiary.kernel.clock import to_unix
from tests.fakes.clock import FakeClock


def fail(store: Store, count: int, *, at: int) -> None:
    rows = [{"request_id": f"{at}-{n}", "email_key": "ada", "at": at} for n in range(count)]
    with store.write() as connection:
        connection.execute(insert(sign_in_failures), rows)


def left(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(sign_in_failures)).scalar_one()


def test_a_thread_of_its_own_deletes_all_that_is_over_and_nothing_else(store: Store) -> None:
    clock = FakeClock()
    now = to_unix(clock.now())
    housekeeping = Housekeeping(store, clock, audit_days=1)
    fail(store, 3 * PURGED_ROWS_MAX + 1, at=now - WINDOW_SECONDS - 1)
    fail(store, 2, at=now + INTERVAL_SECONDS)
    housekeeping.run()
    assert left(store) == 3 * PURGED_ROWS_MAX + 3
    clock.advance(INTERVAL_SECONDS)
    housekeeping.run()
    assert left(store) == 2


def test_one_call_is_bounded(store: Store, monkeypatch) -> None:
    clock = FakeClock()
    rounds: list[object] = []

    def delete(_: Housekeeping, connection: object) -> bool:
        rounds.append(connection)
        return True

    monkeypatch.setattr(Housekeeping, "_delete", delete)
    housekeeping = Housekeeping(store, clock, audit_days=1)
    clock.advance(INTERVAL_SECONDS)
    housekeeping.run()
    housekeeping.run()
    assert len(rounds) == ROUNDS_MAX
    clock.advance(1)
    housekeeping.run()
    assert len(rounds) == 2 * ROUNDS_MAX
