"""What `Accounts` promises, on every store."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import authorization_codes, grant_families, sessions, users
from tests.conformance.identity_rows import (
    account,
    add_account,
    add_client,
    add_grants,
    add_session,
    first,
    second,
    session,
)


def test_an_added_account_is_found_by_id_and_by_address(store: Store) -> None:
    made = add_account(store)
    with store.read() as connection:
        assert Accounts().get(connection, made.id) == made
        assert Accounts().find_by_email(connection, "ada@example.org") == made


def test_unknown_accounts_are_none(store: Store) -> None:
    with store.read() as connection:
        assert Accounts().get(connection, "nobody") is None
        assert Accounts().find_by_email(connection, "nobody@example.org") is None


def test_addresses_of_all_scripts_and_empty_roles_come_back_as_they_were(store: Store) -> None:
    made = add_account(store, email="用户@例子.广告", email_key="用户@例子.广告", roles=())
    with store.read() as connection:
        assert Accounts().get(connection, made.id) == made


def test_a_taken_address_is_refused_and_the_transaction_goes_on(store: Store) -> None:
    made = add_account(store)
    with store.write() as connection:
        again = account(id="other", password_hash="other")
        assert Accounts().add(connection, again, first("r-2")) is None
        assert Accounts().get(connection, made.id) == made


def test_of_many_sign_ups_at_once_one_gets_the_address(store: Store) -> None:
    def sign_up(number: int) -> bool:
        with store.write() as connection:
            made = account(id=f"id-{number}")
            return Accounts().add(connection, made, first(f"r-{number}")) is not None

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(sign_up, range(8)))
    assert results.count(True) == 1


def test_a_second_opinion_takes_over_what_the_first_attempt_stored(store: Store) -> None:
    add_account(store)
    theirs = account(id="other", email="ADA@example.org", password_hash="other", roles=("x",))
    with store.write() as connection:
        stored = Accounts().add(connection, theirs, second("r-ada"))
    assert stored == account(email="ADA@example.org", password_hash="other", roles=("x",))
    with store.read() as connection:
        assert Accounts().find_by_email(connection, "ada@example.org") == stored
        row = connection.execute(select(users.c.minted_by, users.c.created_by_request)).one()
    assert row == (second().minted_by, "r-ada")


def test_a_first_attempt_that_comes_late_changes_nothing(store: Store) -> None:
    made = account()
    with store.write() as connection:
        assert Accounts().add(connection, made, second()) == made
    with store.write() as connection:
        late = account(id="other", password_hash="other")
        assert Accounts().add(connection, late, first()) == made


def test_a_second_opinion_of_another_request_takes_nothing_over(store: Store) -> None:
    made = add_account(store)
    with store.write() as connection:
        theirs = account(id="other", password_hash="other")
        assert Accounts().add(connection, theirs, second("r-2")) is None
        assert Accounts().get(connection, made.id) == made


def test_withdrawing_deletes_only_what_the_same_request_stored(store: Store) -> None:
    add_account(store)
    for attempt, left in ((second("r-2"), 1), (second("r-ada"), 0)):
        with store.write() as connection:
            Accounts().withdraw(connection, "ada@example.org", attempt)
            assert count(connection, users) == left


def test_accounts_are_listed_by_address_and_probes_only_when_asked_for(store: Store) -> None:
    for name, probe in (("cyd", False), ("ada", False), ("bob", True)):
        add_account(store, name, probe=probe)
    with store.read() as connection:
        people = Accounts().list_(connection, include_probes=False)
        everybody = Accounts().list_(connection, include_probes=True)
    assert [found.id for found in people] == ["id-ada", "id-cyd"]
    assert [found.id for found in everybody] == ["id-ada", "id-bob", "id-cyd"]


def test_disabling_and_enabling_an_account(store: Store) -> None:
    add_account(store)
    for disabled in (True, True, False):
        with store.write() as connection:
            changed = Accounts().set_disabled(connection, "id-ada", disabled=disabled)
        assert changed == account(disabled=disabled)
        with store.read() as connection:
            assert Accounts().get(connection, "id-ada") == changed


def test_disabling_an_unknown_account_is_none(store: Store) -> None:
    with store.write() as connection:
        assert Accounts().set_disabled(connection, "nobody", disabled=True) is None


def test_deleting_an_account_deletes_what_hangs_on_it(store: Store) -> None:
    add_account(store)
    add_client(store)
    add_session(store, session(), Attempt("r-s", is_second_opinion=False, minted_by="s"))
    add_grants(store, "hash-1")
    with store.write() as connection:
        assert Accounts().delete(connection, "id-ada")
        assert not Accounts().delete(connection, "id-ada")
        tables = (users, sessions, grant_families, authorization_codes)
        assert [count(connection, table) for table in tables] == [0, 0, 0, 0]


def count(connection, table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_formats_of_hashes_are_counted_without_a_hash_leaving_the_store(store: Store) -> None:
    usual = f"$argon2id$v=19$m=19456,t=2,p=1${'A+/z' * 5}Ag${'B' * 43}"
    other = f"$argon2i$m=64,t=3,p=2${'C' * 11}${'D' * 22}"
    for number, encoded in enumerate([usual, usual.replace("A+", "Zz"), other, "no hash"]):
        address = f"u{number}@example.org"
        add_account(store, f"u{number}", email_key=address, password_hash=encoded)
    add_account(store, "probe", password_hash=other, probe=True)
    with store.read() as connection:
        formats, others = Accounts().count_hash_formats(connection)
    assert {str(each): users for each, users in formats.items()} == {
        "argon2id v=19 m=19456 t=2 p=1 salt=16 digest=32": 2,
        "argon2i m=64 t=3 p=2 salt=8 digest=16": 1,
    }
    assert others == 1
