"""What `SignInFailures` promises, on every store."""

import pytest
from sqlalchemy import text

from ostiary.identity.sessions.failures import Guess, SignInFailures
from ostiary.identity.sessions.networks import UNKNOWN, Networks, networks_of
from ostiary.identity.sessions.throttling import (
    ELSEWHERE,
    NETWORK,
    NO_FAILURES,
    FailureRecord,
    RecentFailures,
)
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


HERE = networks_of("203.0.113.7")


def guess(email: str = ADA, networks: Networks = UNKNOWN, device: str = "") -> Guess:
    return Guess(email, networks, device)


def add(store: Store, attempt: Attempt, *, at: int = NOW, **parts) -> None:
    counted = guess(**{"networks": HERE, **parts})
    with store.write() as connection:
        SignInFailures().add(connection, counted, at=at, attempt=attempt)


def all_recent(store: Store, *, since: int = 0, seen_by: str = "r-x", **parts) -> RecentFailures:
    with store.read() as connection:
        return SignInFailures().recent(
            connection, guess(**parts), since=since, attempt=first(seen_by)
        )


def recent(store: Store, **options) -> FailureRecord:
    return all_recent(store, **{"networks": HERE, **options}).pair


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


def test_failures_are_counted_by_everything_they_have_in_common(store: Store) -> None:
    neighbour, elsewhere = networks_of("203.0.113.8"), networks_of("198.51.100.1")
    add(store, first("r-1"), networks=HERE, at=NOW)
    add(store, first("r-2"), networks=HERE, device="laptop", at=NOW + 1)
    add(store, first("r-3"), email="bob@example.org", networks=HERE, at=NOW + 2)
    add(store, first("r-4"), email="bob@example.org", networks=neighbour, at=NOW + 3)
    add(store, first("r-5"), networks=elsewhere, device="phone", at=NOW + 4)
    assert all_recent(store, networks=HERE, device="laptop") == RecentFailures(
        elsewhere=FailureRecord(1, NOW + 4),
        pair=FailureRecord(2, NOW + 1),
        pair_range=FailureRecord(2, NOW + 1),
        device=FailureRecord(1, NOW + 1),
        network=FailureRecord(3, NOW + 2),
        network_range=FailureRecord(4, NOW + 3),
    )


def test_what_is_not_known_has_nothing_in_common(store: Store) -> None:
    add(store, first("r-1"), networks=UNKNOWN)
    assert all_recent(store) == RecentFailures()


def test_ranges_elsewhere_count_once_each_however_often_they_failed(store: Store) -> None:
    for number in range(12):
        elsewhere = networks_of(f"198.51.{number % 3}.{number}")
        add(store, first(f"r-{number}"), networks=elsewhere, at=NOW + number)
    assert all_recent(store, networks=HERE).elsewhere == FailureRecord(3, NOW + 11)
    own = networks_of("198.51.2.99")
    assert all_recent(store, networks=own).elsewhere == FailureRecord(2, NOW + 10)
    assert all_recent(store, networks=own).pair_range == FailureRecord(4, NOW + 11)
    assert all_recent(store, since=NOW + 11, networks=HERE).elsewhere == FailureRecord(1, NOW + 11)


def test_no_more_ranges_are_counted_than_can_make_a_difference(store: Store) -> None:
    for number in range(ELSEWHERE.counted_max + 3):
        add(store, first(f"r-{number}"), networks=networks_of(f"10.0.{number}.1"), at=NOW + number)
    found = all_recent(store, networks=HERE).elsewhere
    assert found == FailureRecord(ELSEWHERE.counted_max, NOW + ELSEWHERE.counted_max + 2)


def test_rows_of_an_older_release_count_as_one_more_range(store: Store) -> None:
    row = "INSERT INTO sign_in_failures (request_id, email_key, at) VALUES (:id, :key, :at)"
    with store.write() as connection:
        for request_id in ("r-1", "r-2"):
            connection.execute(text(row), {"id": request_id, "key": ADA, "at": NOW})
    found = all_recent(store, networks=HERE)
    assert found.elsewhere == FailureRecord(1, NOW)
    assert found.network == NO_FAILURES


def test_no_more_is_counted_than_can_make_a_difference(store: Store) -> None:
    for number in range(NETWORK.counted_max + 5):
        add(store, first(f"r-{number}"), email=f"u{number}@example.org", networks=HERE)
    assert all_recent(store, networks=HERE).network.count == NETWORK.counted_max
