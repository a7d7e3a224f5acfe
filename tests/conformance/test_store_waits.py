"""The store's own promises: waits that end, no lock error under load, memory while it is away."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from ostiary.identity.store.availability import Availability
from ostiary.identity.store.engine import Store, StoreUnavailableError, open_store
from ostiary.identity.store.migration import migrate
from ostiary.identity.store.postgresql_connections import BoundedConnection
from ostiary.identity.store.proofs import Proofs, note_ended
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.fakes.clock import FakeClock

# Who stands still inside a transaction keeps all others waiting, longer than a request may wait.
WRITER = """
import sys, time
from sqlalchemy import Connection, inspect, text
from ostiary.identity.store.engine import open_store

store = open_store(sys.argv[1])
end = time.monotonic() + 1
done = 0
while time.monotonic() < end:
    with store.write(seconds_max=60) as connection:
        count = connection.execute(text("SELECT done FROM work")).scalar_one()
        connection.execute(text("UPDATE work SET done = :done"), {"done": count + 1})
    done += 1
store.close()
print(done)
"""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fail_after(store: Store, work: Callable[[Connection], object]) -> None:
    with store.write() as connection:
        work(connection)
        raise RuntimeError


def test_five_processes_that_write_without_pause_never_meet_a_lock_error(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'identity.db'}"
    with closing(open_store(url)) as store:
        with store.write() as connection:
            connection.execute(text("CREATE TABLE work (done INTEGER)"))
            connection.execute(text("INSERT INTO work VALUES (0)"))
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for _ in range(5)
        ]
        answers = [writer.communicate() for writer in writers]
        assert [writer.returncode for writer in writers] == [0] * 5, answers
        with store.read() as connection:
            counted = connection.execute(text("SELECT done FROM work")).scalar_one()
    assert counted == sum(int(output) for output, _ in answers)


def test_a_write_that_fails_leaves_nothing_and_the_connection_usable(store: Store) -> None:
    with pytest.raises(RuntimeError):
        fail_after(store, lambda found: found.execute(text("CREATE TABLE half_done (id INTEGER)")))
    for _ in range(10):
        with store.write() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS whole (id INTEGER)"))
    with store.read() as connection:
        assert not inspect(connection).has_table("half_done")
        assert connection.execute(text("SELECT count(*) FROM whole")).scalar_one() == 0


def test_what_a_write_ended_is_told_once_it_is_committed(store: Store) -> None:
    told: list[str] = []
    store.on_ended(told.append)
    with pytest.raises(RuntimeError):
        fail_after(store, lambda found: note_ended(found, "rolled back"))
    with store.write() as connection:
        note_ended(connection, "committed")
        assert told == []
    assert told == ["committed"]


@pytest.mark.postgres
def test_a_long_statement_is_ended_but_a_migration_may_take_its_time(postgres_url: str) -> None:
    with closing(open_store(postgres_url)) as store:
        with pytest.raises(StoreUnavailableError), store.read() as connection:
            connection.execute(text("SELECT pg_sleep(30)"))
        until(lambda: not store.reading.is_away)
        with store.write(seconds_max=30) as connection:
            connection.execute(text("SELECT pg_sleep(1.5)"))
        with pytest.raises(StoreUnavailableError), store.write() as connection:
            connection.execute(text("SELECT pg_sleep(30)"))


@pytest.mark.postgres
def test_a_wait_for_a_row_tells_that_the_server_is_there(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the limit for locks ends this wait, also on a machine that stands still for a moment.
    monkeypatch.setattr(BoundedConnection, "answer_seconds_max", 60.0)
    waiting = f"{postgres_url}&options=-c%20statement_timeout%3D60s"
    with closing(open_store(postgres_url)) as store, closing(open_store(waiting)) as other:
        with store.write() as connection:
            connection.execute(text("CREATE TABLE work (done INTEGER)"))
            connection.execute(text("INSERT INTO work VALUES (0)"))
        change = text("UPDATE work SET done = 1")
        with store.write() as connection:
            connection.execute(change)
            with pytest.raises(StoreUnavailableError) as caught, other.write() as late:
                late.execute(change)
        assert caught.value.is_busy
        assert not other.writing.is_away


@contextmanager
def answering(store: Store) -> Iterator[None]:
    """Let the store answer others all the while until the block ends."""
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.01):
            store.reading.answered()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_store_with_no_free_connection_that_answers_others_is_busy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'identity.db'}"
    with closing(open_store(url, connections_max=1)) as store, store.read():
        with answering(store), pytest.raises(StoreUnavailableError) as caught, store.read():
            pass
        assert caught.value.is_busy
        assert not store.reading.is_away
        with pytest.raises(StoreUnavailableError) as caught, store.read():
            pass
        assert store.reading.is_away
        assert not caught.value.is_busy


@pytest.mark.postgres
def test_a_connection_that_the_server_ended_is_replaced_before_it_is_used(
    postgres_url: str,
) -> None:
    with closing(open_store(postgres_url)) as store, closing(open_store(postgres_url)) as other:
        migrate(store)
        with other.read() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        until(lambda: _connections(other) == 1)
        with store.read() as connection:
            assert connection.execute(text("SELECT 1")).scalar_one() == 1


def _connections(store: Store) -> int:
    with store.read() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        return int(connection.execute(text(query)).scalar_one())


class Probe:
    """A store that answers when it is told to, and counts who asks."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if not self.answers.is_set():
            raise StoreUnavailableError("still away")


def test_after_a_wait_in_vain_nobody_waits_until_one_thread_has_got_an_answer() -> None:
    probe = Probe()
    use = Availability("read", probe, clock=SystemClock(), rng=SeededRandom(1))
    began = use.require()
    for _ in range(20):
        use.waited_in_vain(began, "no answer")
    assert use.is_away
    with pytest.raises(StoreUnavailableError):
        use.require()
    until(lambda: probe.asked >= 2)
    assert [t.name for t in threading.enumerate()].count("store-probe-read") == 1
    probe.answers.set()
    until(lambda: not use.is_away)
    use.require()
    use.close()


def test_a_store_that_answers_others_is_not_given_up() -> None:
    use = Availability("write", Probe(), clock=SystemClock(), rng=SeededRandom(1))
    began = use.require()
    use.answered()
    use.waited_in_vain(began, "a row was locked")
    assert not use.is_away


def test_answers_count_for_their_time_and_the_oldest_go_first() -> None:
    clock = FakeClock()
    proofs: Proofs[str] = Proofs(clock, seconds=300, entries_max=2)
    proofs.remember("a", "first", since=proofs.moment("a"))
    clock.advance(300)
    assert proofs.recall("a") == "first"
    proofs.remember("b", "second", since=proofs.moment("b"))
    proofs.remember("c", "third", since=proofs.moment("c"))
    assert proofs.recall("a") is None
    clock.advance(301)
    assert proofs.recall("b") is None
    proofs.remember("b", "again", since=proofs.moment("b"))
    proofs.forget("b")
    assert proofs.recall("b") is None
    proofs.forget_where(lambda value: value == "third")
    assert proofs.recall("c") is None


def test_an_answer_from_before_something_ended_is_not_kept() -> None:
    proofs: Proofs[str] = Proofs(FakeClock(), seconds=300)
    forgettings: list[Callable[[], None]] = [
        lambda: proofs.forget("a"),
        lambda: proofs.forget_where(lambda value: value == "other"),
    ]
    for forget in forgettings:
        asked_at = proofs.moment("a")
        forget()
        proofs.remember("a", "late", since=asked_at)
        assert proofs.recall("a") is None
    proofs.remember("a", "new", since=proofs.moment("a"))
    assert proofs.recall("a") == "new"


def test_without_a_grace_nothing_is_remembered() -> None:
    proofs: Proofs[str] = Proofs(FakeClock(), seconds=0)
    proofs.remember("a", "first", since=proofs.moment("a"))
    assert proofs.recall("a") is None
