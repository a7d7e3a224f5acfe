"""What `Sessions` promises, on every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.sessions.revocation import Revocation
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import authorization_codes, grant_families, sessions
from tests.conformance.identity_rows import (
    NOW,
    account,
    add_account,
    add_client,
    add_grants,
    add_session,
    first,
    second,
    session,
)

REVOCATION = Revocation(at=NOW + 5, because="signed_out")


@pytest.fixture(autouse=True)
def people(store: Store) -> None:
    """Two people and an application."""
    add_account(store, "ada")
    add_account(store, "bob")
    add_client(store)


def test_a_started_session_is_found_with_its_account(store: Store) -> None:
    assert add_session(store, session(), first())
    with store.read() as connection:
        assert Sessions().find(connection, "hash-1", now=NOW) == (session(), account())


def test_an_unknown_session_is_none(store: Store) -> None:
    with store.read() as connection:
        assert Sessions().find(connection, "hash-1", now=NOW) is None


def test_a_session_ends_at_its_second(store: Store) -> None:
    add_session(store, session(seconds=10), first())
    with store.read() as connection:
        assert Sessions().find(connection, "hash-1", now=NOW + 9)
        assert Sessions().find(connection, "hash-1", now=NOW + 10) is None


def test_a_session_of_a_disabled_account_is_none(store: Store) -> None:
    add_session(store, session(), first())
    with store.write() as connection:
        Accounts().set_disabled(connection, "id-ada", disabled=True)
    with store.read() as connection:
        assert Sessions().find(connection, "hash-1", now=NOW) is None


def test_no_session_starts_for_an_account_disabled_since_its_password_was_read(
    store: Store,
) -> None:
    with store.write() as connection:
        Accounts().set_disabled(connection, "id-ada", disabled=True)
    assert not add_session(store, session(), first())
    assert rows(store) == []


def test_no_session_starts_when_the_password_has_changed_meanwhile(store: Store) -> None:
    with store.write() as connection:
        assert not Sessions().start(
            connection, session(), password_hash="the one before", attempt=first()
        )


def test_a_second_opinion_takes_the_place_of_the_first_attempts_session(store: Store) -> None:
    assert add_session(store, session("1"), first())
    with store.read() as connection:
        assert Sessions().hash_left_by(connection, second()) == "hash-1"
    assert add_session(store, session("2"), second())
    assert rows(store) == ["hash-2"]


def test_a_first_attempt_that_comes_late_starts_nothing(store: Store) -> None:
    assert add_session(store, session("2"), second())
    assert not add_session(store, session("1"), first())
    assert rows(store) == ["hash-2"]


def test_both_attempts_at_once_leave_one_session_and_it_is_the_second_opinions(
    store: Store,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        for number in range(6):
            request = f"r-{number}"
            early = pool.submit(add_session, store, session(f"{number}a"), first(request))
            late = pool.submit(add_session, store, session(f"{number}b"), second(request))
            early.result()
            assert late.result()
    assert rows(store) == [f"hash-{number}b" for number in range(6)]


def test_ending_a_session_revokes_its_grants_and_drops_its_unused_codes(store: Store) -> None:
    add_session(store, session("1"), first("r-1"))
    add_session(store, session("2"), first("r-2"))
    add_grants(store, "hash-1", family="f-1")
    add_grants(store, "hash-2", family="f-2")
    with store.write() as connection:
        Sessions().end(connection, "hash-1", REVOCATION)
    assert rows(store) == ["hash-2"]
    assert revocations(store) == {"f-1": (NOW + 5, "signed_out"), "f-2": (None, None)}
    assert codes(store) == ["code-f-2"]


def test_ending_again_keeps_the_first_reason(store: Store) -> None:
    add_session(store, session(), first())
    add_grants(store, "hash-1")
    for revocation in (REVOCATION, Revocation(at=NOW + 9, because="disabled")):
        with store.write() as connection:
            Sessions().end(connection, "hash-1", revocation)
    assert revocations(store) == {"f-1": (NOW + 5, "signed_out")}


def test_ending_all_sessions_of_an_account_leaves_other_people_alone(store: Store) -> None:
    add_session(store, session("1"), first("r-1"))
    add_session(store, session("2"), first("r-2"))
    add_session(store, session("3", "bob"), first("r-3"), "bob")
    add_grants(store, "hash-1", family="f-1")
    add_grants(store, "gone", family="f-2")
    add_grants(store, "hash-3", user="bob", family="f-3")
    with store.write() as connection:
        Sessions().end_all(connection, "id-ada", REVOCATION)
    assert rows(store) == ["hash-3"]
    assert revocations(store) == {
        "f-1": (NOW + 5, "signed_out"),
        "f-2": (NOW + 5, "signed_out"),
        "f-3": (None, None),
    }
    assert codes(store) == ["code-f-3"]


def test_signing_in_again_takes_the_grants_of_the_same_person_along(store: Store) -> None:
    add_session(store, session("1"), first("r-1"))
    add_grants(store, "hash-1")
    add_session(store, session("2"), first("r-2"))
    with store.write() as connection:
        Sessions().succeed(connection, "hash-1", session("2"))
        Sessions().end(connection, "hash-2", REVOCATION)
    assert rows(store) == []
    assert revocations(store) == {"f-1": (NOW + 5, "signed_out")}


def test_somebody_else_signing_in_revokes_the_grants_of_the_person_before(store: Store) -> None:
    add_session(store, session("1"), first("r-1"))
    add_grants(store, "hash-1")
    add_session(store, session("2", "bob"), first("r-2"), "bob")
    with store.write() as connection:
        Sessions().succeed(connection, "hash-1", session("2", "bob"))
    assert rows(store) == ["hash-2"]
    assert revocations(store) == {"f-1": (NOW, "signed_out")}


def test_purging_deletes_expired_sessions_only(store: Store) -> None:
    add_session(store, session("1", seconds=10), first("r-1"))
    add_session(store, session("2", seconds=20), first("r-2"))
    with store.write() as connection:
        Sessions().purge(connection, now=NOW + 10)
    assert rows(store) == ["hash-2"]


# SQLite has one writer at a time.
@pytest.mark.postgres
@pytest.mark.parametrize("store", ["postgres"], indirect=True)
def test_replicas_that_purge_at_once_do_not_wait_for_each_other(store: Store) -> None:
    add_session(store, session("1", seconds=10), first("r-1"))
    with store.write() as one, store.write() as other:
        Sessions().purge(one, now=NOW + 10)
        Sessions().purge(other, now=NOW + 10)
    assert rows(store) == []


def rows(store: Store) -> list[str]:
    with store.read() as connection:
        return sorted(connection.execute(select(sessions.c.session_hash)).scalars())


def codes(store: Store) -> list[str]:
    with store.read() as connection:
        return sorted(connection.execute(select(authorization_codes.c.code_hash)).scalars())


def revocations(store: Store) -> dict[str, tuple[int | None, str | None]]:
    table = grant_families.c
    with store.read() as connection:
        query = select(table.id, table.revoked_at, table.revoked_because)
        return {row.id: (row[1], row[2]) for row in connection.execute(query)}
