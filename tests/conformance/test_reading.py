"""What is read for a request is never older than the newest commit, whoever made it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.reading import ANSWERS_MAX


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """The same store as another process sees it."""
    opened = open_store(store.engine.url.render_as_string(hide_password=False))
    with opened.write() as connection:
        connection.execute(text("CREATE TABLE counted (id INTEGER, number INTEGER)"))
        connection.execute(text("INSERT INTO counted VALUES (1, 0)"))
    yield opened
    opened.close()


class Question:
    """Asks for the number, and counts how often the store itself was asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0

    def __call__(self) -> int:
        with self._store.for_request() as reading:
            return reading.ask("number", self._read)

    def _read(self, connection: Connection) -> int:
        self.asked += 1
        return int(connection.execute(text("SELECT number FROM counted")).scalar_one())


def count(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE counted SET number = number + 1"))


def test_a_commit_of_anybody_counts_at_once(store: Store, other: Store) -> None:
    number = Question(store)
    for expected, writer in enumerate((store, other, store, store, other)):
        assert number() == expected
        count(writer)
    assert number() == 5


def test_a_file_is_not_asked_again_until_somebody_has_committed(store: Store, other: Store) -> None:
    number = Question(store)
    times = 1 if store.engine.dialect.name == "sqlite" else 3
    assert [number() for _ in range(3)] == [0, 0, 0]
    assert number.asked == times
    count(other)
    assert [number() for _ in range(3)] == [1, 1, 1]
    assert number.asked == 2 * times


def test_what_was_rolled_back_was_never_there(store: Store, other: Store) -> None:
    number = Question(store)
    assert number() == 0

    def write_in_vain() -> None:
        with other.write() as connection:
            connection.execute(text("UPDATE counted SET number = 7"))
            assert number() == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_in_vain()
    assert number() == 0


def test_many_threads_never_read_less_than_was_committed_before(store: Store, other: Store) -> None:
    number, committed, ended = Question(store), [0], [False]

    def read() -> int:
        times = 0
        while not ended[0]:
            least = committed[0]
            assert number() >= least
            times += 1
        return times

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        try:
            for each in range(1, 101):
                count(other if each % 2 else store)
                committed[0] = each
        finally:
            ended[0] = True
        assert all(reader.result() for reader in readers)


def test_what_fails_is_not_remembered(store: Store, other: Store) -> None:
    def fail(_connection: Connection) -> int:
        raise ZeroDivisionError

    with store.for_request() as reading, pytest.raises(ZeroDivisionError):
        reading.ask("number", fail)
    assert Question(store)() == 0


def test_nothing_is_opened_for_nothing(store: Store) -> None:
    with store.for_request():
        assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    with store.for_request() as reading:
        reading.ask("one", lambda connection: connection.execute(text("SELECT 1")).scalar())
        assert store.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
    assert store.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_only_so_many_answers_are_kept(store: Store) -> None:
    with store.for_request() as reading:
        for key in range(ANSWERS_MAX + 10):
            assert reading.ask(key, lambda _connection, key=key: key) == key
    assert len(store._unchanged._state[1]) <= ANSWERS_MAX
