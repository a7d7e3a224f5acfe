"""What `Clients` promises, on every store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from ostiary.identity.clients.model import Client, hash_secret
from ostiary.identity.clients.storage import Clients
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import authorization_codes, grant_families, refresh_tokens
from tests.conformance.grant_rows import add_family
from tests.conformance.identity_rows import NOW, add_account, add_client, add_grants

CLIENT = Client(
    client_id="svc",
    redirect_uris=("https://a.example/cb", "https://b.example/cb?x=1"),
    post_logout_redirect_uris=("https://a.example/bye",),
    grants=frozenset({"authorization_code", "refresh_token"}),
    scopes=("openid", "api.read"),
    audience="urn:api",
    access_token_seconds=7,
    probe=True,
    created_at=NOW,
    secret_hash=hash_secret("hush"),
)


def add(store: Store, client: Client) -> bool:
    with store.write() as connection:
        return Clients().add(connection, client)


def test_a_client_comes_back_as_it_was_added(store: Store) -> None:
    assert add(store, CLIENT)
    with store.read() as connection:
        assert Clients().find(connection, "svc") == CLIENT


def test_a_public_client_has_no_secret(store: Store) -> None:
    public = replace(CLIENT, secret_hash=None, audience=None, access_token_seconds=None)
    add(store, public)
    with store.read() as connection:
        assert Clients().find(connection, "svc") == public


def test_a_taken_id_changes_nothing(store: Store) -> None:
    add(store, CLIENT)
    assert not add(store, replace(CLIENT, secret_hash=hash_secret("other")))
    with store.read() as connection:
        assert Clients().find(connection, "svc") == CLIENT


def test_of_two_registrations_at_once_one_holds(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: add(store, CLIENT), range(4))) == [
            False,
            False,
            False,
            True,
        ]


def test_lists_are_by_id_and_without_probes_unless_asked(store: Store) -> None:
    for client_id, probe in (("b", False), ("c", True), ("a", False)):
        add(store, replace(CLIENT, client_id=client_id, probe=probe))
    with store.read() as connection:
        listed = [one.client_id for one in Clients().list_(connection, include_probes=False)]
        everything = [one.client_id for one in Clients().list_(connection, include_probes=True)]
    assert (listed, everything) == (["a", "b"], ["a", "b", "c"])


def test_deleting_takes_codes_grants_and_refresh_tokens_along(store: Store) -> None:
    add_account(store)
    add_client(store)
    add_grants(store, "hash-1")
    add_family(store, "f-2", "t-1")
    with store.write() as connection:
        assert Clients().delete(connection, "app")
        assert not Clients().delete(connection, "app")
    with store.read() as connection:
        for table in (authorization_codes, grant_families, refresh_tokens):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0


@pytest.mark.parametrize("client_id", ["", "\0", "ä", "a b", "a\n", "x" * 129, "' OR 1=1 --"])
def test_texts_that_name_no_client_find_none(store: Store, client_id: str) -> None:
    add(store, CLIENT)
    with store.write() as connection:
        assert Clients().find(connection, client_id) is None
        assert not Clients().delete(connection, client_id)
