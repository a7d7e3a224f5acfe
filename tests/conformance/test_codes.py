"""What `Codes` promises, on every store."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from ostiary.identity.oauth.grants.codes import Codes
from ostiary.identity.oauth.grants.model import StoredCode
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import authorization_codes
from tests.conformance.grant_rows import add_family, code
from tests.conformance.identity_rows import (
    LAST_GOOD,
    NOW,
    add_account,
    add_client,
    add_session,
    first,
    second,
    session,
)

MOMENT_MS = NOW * 1000 + 1_250


@pytest.fixture(autouse=True)
def signed_in(store: Store) -> None:
    """Somebody who is signed in, and an application."""
    add_account(store)
    add_client(store)
    add_session(store, session(), first("r-session"))


def add(store: Store, stored: StoredCode, attempt: Attempt, *, now: int = NOW) -> bool:
    with store.write() as connection:
        return Codes().add(connection, stored, attempt, now=now)


def find(store: Store, code_hash: str = "c-1") -> StoredCode | None:
    with store.read() as connection:
        return Codes().find(connection, code_hash)


def consume(store: Store, code_hash: str = "c-1") -> None:
    add_family(store)
    with store.write() as connection:
        Codes().mark_consumed(
            connection, code_hash, first("r-9"), family_id="f-1", now_ms=MOMENT_MS
        )


@pytest.mark.parametrize("nonce", ["n", None, "ü" * 500])
def test_a_code_comes_back_as_it_was_added(store: Store, nonce: str | None) -> None:
    stored = code(nonce=nonce)
    assert add(store, stored, first())
    assert find(store) == stored


def test_an_unknown_code_is_none(store: Store) -> None:
    assert find(store) is None
    with store.write() as connection:
        assert Codes().find_locked(connection, "c-1") is None


def test_a_consumed_code_tells_by_whom_and_for_what(store: Store) -> None:
    add(store, code(), first())
    consume(store)
    found = find(store)
    assert found == code(consumed_by_request="r-9", consumed_ms=MOMENT_MS, family_id="f-1")


def test_what_an_older_release_consumed_was_consumed_when_that_second_began(store: Store) -> None:
    add(store, code(), first())
    consume(store)
    with store.write() as connection:
        stored = "SELECT consumed_at FROM authorization_codes"
        assert connection.exec_driver_sql(stored).scalar() == NOW + 1
        connection.exec_driver_sql("UPDATE authorization_codes SET consumed_ms = NULL")
    found = find(store)
    assert found is not None
    assert found.consumed_ms == (NOW + 1) * 1000


@pytest.mark.parametrize(("session_hash", "now"), [("hash-other", NOW), ("hash-1", NOW + 3600)])
def test_no_code_is_issued_for_a_session_that_has_ended(
    store: Store, session_hash: str, now: int
) -> None:
    assert not add(store, code(session_hash=session_hash), first(), now=now)
    assert find(store) is None


def test_a_second_opinion_takes_the_place_of_the_first_attempts_code(store: Store) -> None:
    add(store, code("c-1"), first())
    assert add(store, code("c-2", nonce="other"), second())
    assert find(store, "c-1") is None
    assert find(store, "c-2") == code("c-2", nonce="other")
    with store.read() as connection:
        minted = connection.execute(select(authorization_codes.c.minted_by)).scalars().all()
    assert minted == [LAST_GOOD]


def test_a_second_opinion_finds_nothing_when_the_first_attempt_died(store: Store) -> None:
    assert add(store, code(), second())
    assert find(store) == code()


def test_a_first_attempt_that_comes_late_changes_nothing(store: Store) -> None:
    add(store, code("c-2"), second())
    assert not add(store, code("c-1"), first())
    assert find(store, "c-1") is None
    assert find(store, "c-2") == code("c-2")


def test_a_code_in_use_is_not_replaced(store: Store) -> None:
    add(store, code(), first())
    consume(store)
    assert not add(store, code("c-2"), second())
    assert find(store, "c-2") is None


def test_both_attempts_at_once_leave_the_second_ones_code(store: Store) -> None:
    for number in range(5):
        barrier = threading.Barrier(2)
        request = f"r-race-{number}"

        def ask(attempt: Attempt, name: str, ready: threading.Barrier = barrier) -> bool:
            ready.wait()
            return add(store, code(name), attempt)

        with ThreadPoolExecutor(2) as pool:
            late = pool.submit(ask, first(request), f"first-{number}")
            own = pool.submit(ask, second(request), f"second-{number}")
        assert own.result()
        assert find(store, f"second-{number}") is not None
        assert find(store, f"first-{number}") is None
        late.result()


def test_different_requests_have_codes_of_their_own(store: Store) -> None:
    assert add(store, code("c-1"), first("r-1"))
    assert add(store, code("c-2"), second("r-2"))
    assert find(store, "c-1")
    assert find(store, "c-2")


def test_a_locked_code_is_redeemed_by_one_at_a_time(store: Store) -> None:
    """Each redeemer sees what the one before it did."""
    add(store, code(), first())
    add_family(store)
    seen: list[str | None] = []

    def redeem(number: int) -> None:
        with store.write() as connection:
            found = Codes().find_locked(connection, "c-1")
            assert found is not None
            seen.append(found.consumed_by_request)
            attempt = first(f"r-{number}")
            Codes().mark_consumed(connection, "c-1", attempt, family_id="f-1", now_ms=MOMENT_MS)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(redeem, range(4)))
    assert seen.count(None) == 1
    assert len(set(seen)) == 4


def test_codes_are_forgotten_after_they_expired(store: Store) -> None:
    add(store, code("old", expires_at=NOW - 10), first("r-1"))
    add(store, code("new"), first("r-2"))
    with store.write() as connection:
        Codes().delete_expired(connection, before=NOW)
    assert find(store, "old") is None
    assert find(store, "new")
