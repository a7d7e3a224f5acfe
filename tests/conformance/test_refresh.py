"""What `Families` and `RefreshTokens` promise, on every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.model import StoredRefreshToken
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.store.engine import Store
from tests.conformance.grant_rows import add_family, add_tokens, family, token
from tests.conformance.identity_rows import NOW, add_account, add_client

MOMENT_MS = NOW * 1000 + 1_250


@pytest.fixture(autouse=True)
def granted(store: Store) -> None:
    """Somebody who has signed in to an application."""
    add_account(store)
    add_client(store)
    add_family(store, "f-1", "t-1")


def find(store: Store, token_hash: str) -> StoredRefreshToken | None:
    with store.read() as connection:
        return RefreshTokens().find(connection, token_hash)


def stands(store: Store, family_id: str = "f-1") -> bool:
    with store.read() as connection:
        return Families().is_standing(connection, family_id)


def rotate(store: Store, token_hash: str) -> None:
    found = find(store, token_hash)
    assert found is not None
    with store.write() as connection:
        RefreshTokens().mark_rotated(connection, found, request_id="r-9", now_ms=MOMENT_MS)


def test_a_family_comes_back_as_it_was_added(store: Store) -> None:
    with store.write() as connection:
        assert Families().find(connection, "f-1") == family()
        assert Families().find_locked(connection, "f-1") == family()
        assert Families().find(connection, "f-2") is None
        assert Families().find_locked(connection, "f-2") is None


def test_a_token_comes_back_as_it_was_added(store: Store) -> None:
    assert find(store, "t-1") == token("t-1")
    assert find(store, "t-2") is None


def test_a_family_stands_until_it_is_revoked_and_the_first_reason_stays(store: Store) -> None:
    assert stands(store)
    with store.write() as connection:
        Families().revoke(connection, "f-1", because="stolen", now=NOW)
        Families().revoke(connection, "f-1", because="later", now=NOW + 9)
    assert not stands(store)
    with store.read() as connection:
        assert Families().find(connection, "f-1") == family(is_revoked=True)


def test_a_family_of_a_disabled_user_does_not_stand(store: Store) -> None:
    with store.write() as connection:
        Accounts().set_disabled(connection, "id-ada", disabled=True)
    assert not stands(store)


def test_an_unknown_family_does_not_stand(store: Store) -> None:
    assert not stands(store, "f-2")


def test_deleting_a_user_takes_families_and_tokens_along(store: Store) -> None:
    with store.write() as connection:
        Accounts().delete(connection, "id-ada")
    assert find(store, "t-1") is None
    assert not stands(store)


def test_a_used_token_stays_known_with_its_successors(store: Store) -> None:
    rotate(store, "t-1")
    add_tokens(store, token("t-2", parent_hash="t-1"))
    used = find(store, "t-1")
    assert used is not None
    assert used.rotated_ms == MOMENT_MS
    with store.read() as connection:
        assert RefreshTokens().list_successors(connection, "t-1") == [
            token("t-2", parent_hash="t-1")
        ]
        assert RefreshTokens().list_successors(connection, "t-2") == []


def test_what_an_older_release_replaced_was_replaced_when_that_second_began(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql(f"UPDATE refresh_tokens SET rotated_at = {NOW + 1}")
    used = find(store, "t-1")
    assert used is not None
    assert used.rotated_ms == (NOW + 1) * 1000


def test_what_is_replaced_here_an_older_release_sees_as_replaced(store: Store) -> None:
    rotate(store, "t-1")
    with store.read() as connection:
        rotated_at = connection.exec_driver_sql("SELECT rotated_at FROM refresh_tokens").scalar()
    assert rotated_at == NOW + 1


def test_using_one_of_two_successors_takes_the_other_out_of_use(store: Store) -> None:
    add_tokens(store, token("t-2", parent_hash="t-1"), token("t-3", parent_hash="t-1"))
    rotate(store, "t-2")
    sibling = find(store, "t-3")
    assert sibling is not None
    assert sibling.rotated_ms == MOMENT_MS


def test_using_a_familys_first_token_touches_no_other_family(store: Store) -> None:
    add_family(store, "f-2", "u-1")
    rotate(store, "t-1")
    assert find(store, "u-1") == token("u-1", family_id="f-2")


def test_what_an_unseen_attempt_issued_can_be_deleted(store: Store) -> None:
    add_tokens(store, token("t-2", issued_by_request="r-2"))
    with store.write() as connection:
        RefreshTokens().delete_issued_by(connection, "r-2")
    assert find(store, "t-2") is None
    assert find(store, "t-1")


def test_a_locked_family_is_changed_by_one_at_a_time(store: Store) -> None:
    def use(_: int) -> bool:
        with store.write() as connection:
            assert Families().find_locked(connection, "f-1")
            found = RefreshTokens().find(connection, "t-1")
            assert found is not None
            if found.rotated_ms is not None:
                return False
            RefreshTokens().mark_rotated(connection, found, request_id="r", now_ms=MOMENT_MS)
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(8))) == [False] * 7 + [True]


def test_tokens_are_forgotten_after_they_expired_or_were_used(store: Store) -> None:
    add_tokens(store, token("expired", expires_at=NOW - 1), token("used"), token("new"))
    rotate(store, "used")
    with store.write() as connection:
        RefreshTokens().delete_expired(connection, before=NOW + 2)
    assert [find(store, name) is None for name in ("expired", "used", "new")] == [
        True,
        True,
        False,
    ]


def test_families_are_forgotten_when_they_are_old_and_empty(store: Store) -> None:
    add_family(store, "f-empty")
    with store.write() as connection:
        Families().delete_empty(connection, before=NOW)
        assert Families().find(connection, "f-empty")
        Families().delete_empty(connection, before=NOW + 1)
        assert Families().find(connection, "f-empty") is None
        assert Families().find(connection, "f-1")
