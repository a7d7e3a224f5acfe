"""What `SignInFailures` promises, on every store."""

import pytest

from ostiary.identity.sessions.failures import FailureRecord, SignInFailures
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from tests.conformance.identity_rows import (
    NOW,
    add_account,
    add_session,
    first,
    second,
    session,
)

ADA = "ada@example.org"


def add(store: Store, attempt: Attempt, *, email: str = ADA, at: int = NOW) -> None:
    with store.write() as connection:
        SignInFailures().add(connection, email, at=at, attempt=attempt)


def recent(store: Store, *, email: str = ADA, since: int = 0, seen_by: str = "r-x"):
    with store.read() as connection:
        return SignInFailures().recent(connection, email, since=since, attempt=first(seen_by))


def test_failures_are_counted_by_address_within_the_window(store: Store) -> None:
    add(store, first("r-1"), at=NOW)
    add(store, first("r-2"), at=NOW + 5)
    add(store, first("r-3"), email="bob@example.org", at=NOW + 9)
    assert recent(store) == FailureRecord(2, NOW + 5)
    assert recent(store, since=NOW + 1) == FailureRecord(1, NOW + 5)
    assert recent(store, since=NOW + 6) == FailureRecord(0, None)


@pytest.mark.parametrize("attempts", [(first, second), (second, first), (second,), (first,)])
def test_a_request_counts_once_whichever_attempt_came_to_count_it(store: Store, attempts) -> None:
    for attempt in attempts:
        add(store, attempt("r-1"))
    assert recent(store) == FailureRecord(1, NOW)


def test_a_candidate_that_counts_for_a_wrong_address_gives_no_free_guess(store: Store) -> None:
    add(store, first("r-1"), email="garbled")
    add(store, second("r-1"))
    assert recent(store).count == 1
    assert recent(store, email="garbled").count == 0


def test_what_the_first_attempt_counted_does_not_weigh_on_the_second(store: Store) -> None:
    add(store, first("r-1"))
    assert recent(store, seen_by="r-1").count == 0


def test_a_withdrawn_failure_no_longer_counts(store: Store) -> None:
    add(store, first("r-1"))
    add(store, first("r-2"))
    with store.write() as connection:
        SignInFailures().withdraw(connection, second("r-1"))
    assert recent(store).count == 1


def test_a_first_attempt_that_comes_late_does_not_count_against_a_success(store: Store) -> None:
    add_account(store)
    assert add_session(store, session(), second("r-1"))
    add(store, first("r-1"))
    assert recent(store).count == 0


def test_purging_deletes_old_failures_only(store: Store) -> None:
    add(store, first("r-1"), at=NOW)
    add(store, first("r-2"), at=NOW + 10)
    with store.write() as connection:
        SignInFailures().purge(connection, before=NOW + 10)
    assert recent(store) == FailureRecord(1, NOW + 10)
