"""Registering clients: what is accepted, what is refused, and what is kept of a secret."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.clients.registration import new_client, read_registration
from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.ids import SeededRandom

GOOD: dict[str, Any] = {"client_id": "app", "redirect_uris": ["https://app.example/cb"]}


def register(**fields: Any):
    body = json.dumps({**GOOD, **fields}).encode()
    return new_client(read_registration(body), rng=SeededRandom(1), now=5)


def test_a_confidential_client_gets_a_secret_that_is_not_kept() -> None:
    client, secret = register()
    assert secret is not None
    assert len(secret) >= 43
    assert client.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(client)
    assert client.secret_hash not in repr(client)
    assert client.has_secret(secret)
    assert not client.has_secret(secret + "x")
    assert not client.has_secret(client.secret_hash)


def test_a_public_client_has_no_secret_and_accepts_none() -> None:
    client, secret = register(public=True)
    assert secret is None
    assert client.is_public
    assert not client.has_secret("")


def test_what_is_left_out_has_sensible_values() -> None:
    client, _ = register()
    assert client.scopes == ("openid", "profile", "email", "offline_access")
    assert client.grants == {"authorization_code", "refresh_token"}
    assert (client.audience, client.probe, client.created_at) == (None, False, 5)


def test_a_client_without_users_has_no_scopes_about_users() -> None:
    client, _ = register(grants=["client_credentials"], redirect_uris=[])
    assert client.scopes == ()
    client, _ = register(grants=["client_credentials"], redirect_uris=[], scopes=["api", "api"])
    assert client.scopes == client.own_scopes == ("api",)


def test_an_id_is_made_where_none_is_given() -> None:
    client, _ = register(client_id=None)
    assert client.client_id.startswith("app-")


def test_a_probe_may_have_short_tokens() -> None:
    client, _ = register(probe=True, access_token_seconds=1)
    assert client.access_token_seconds == 1


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"client_id": "a b"}, "client_id"),
        ({"client_id": "ä"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "app\n"}, "client_id"),
        ({"client_id": 5}, "client_id"),
        ({"redirect_uris": ["http://app.example/cb"]}, "redirect_uris.0"),
        ({"redirect_uris": "https://app.example/cb"}, "redirect_uris"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["https://a.example/"] * 51}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["javascript:x"]}, "post_logout_redirect_uris.0"),
        ({"grants": ["password"]}, "grants.0"),
        ({"grants": []}, "grants"),
        ({"grants": ["refresh_token"]}, "authorization_code"),
        ({"grants": ["client_credentials"], "public": True}, "client_credentials"),
        ({"scopes": ["a b"]}, "scopes.0"),
        ({"scopes": ['"']}, "scopes.0"),
        ({"audience": "a b"}, "audience"),
        ({"audience": "\0"}, "audience"),
        ({"access_token_seconds": 5}, "probe"),
        ({"access_token_seconds": 0, "probe": True}, "access_token_seconds"),
        ({"redirekt_uris": []}, "redirekt_uris"),
    ],
)
def test_wrong_fields_are_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ProblemError) as caught:
        register(**wrong)
    assert caught.value.status == 400
    assert named in caught.value.message


@given(st.binary(max_size=200))
def test_no_body_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(ProblemError):
        read_registration(body)
