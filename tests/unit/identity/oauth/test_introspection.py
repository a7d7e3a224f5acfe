"""Introspection (RFC 7662): who may ask about what, and what is active."""

from typing import Any

import pytest

from tests.identity_app import counted_statements, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic, decoded


@pytest.fixture
def asker(party: RelyingParty) -> dict[str, str]:
    """The proof of a resource server for the audience `urn:api`; `app` gets tokens for it."""
    service = party.service
    service.admin("DELETE", "/admin/clients/app")
    service.add_client(audience="urn:api")
    created = service.add_client(
        "api",
        public=False,
        grants=["client_credentials"],
        redirect_uris=[],
        scopes=["api"],
        audience="urn:api",
    )
    return basic("api", created["client_secret"])


def ask(party: RelyingParty, token: str, headers: dict[str, str], **form: str) -> Any:
    return party.service.edge().post(
        "/oauth2/introspect", {"token": token, **form}, headers=headers
    )


def test_a_resource_server_learns_what_a_token_says(
    party: RelyingParty, asker: dict[str, str]
) -> None:
    token = party.tokens()["access_token"]
    answer = ask(party, token, asker)
    claims = decoded(token)
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    assert answer.json == {
        "active": True,
        "token_type": "Bearer",
        **{name: claims[name] for name in ("iss", "aud", "sub", "client_id", "scope")},
        **{name: claims[name] for name in ("exp", "iat", "jti", "roles", "auth_time")},
    }
    assert answer.headers["cache-control"] == "no-store"


def test_the_question_costs_two_reads_and_no_write(
    party: RelyingParty, asker: dict[str, str]
) -> None:
    token = party.tokens()["access_token"]
    with counted_statements() as statements:
        assert ask(party, token, asker).json["active"]
    assert len(statements.reads) == 2
    assert statements.writes == []


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "magic"])
def test_a_hint_is_only_a_hint(party: RelyingParty, asker: dict[str, str], hint: str) -> None:
    token = party.tokens()["access_token"]
    assert ask(party, token, asker, token_type_hint=hint).json["active"]


def test_a_client_may_ask_about_its_own_token(party: RelyingParty, asker: dict[str, str]) -> None:
    token = party.service.edge().post(
        "/oauth2/token", {"grant_type": "client_credentials"}, headers=asker
    )
    assert ask(party, token.json["access_token"], asker).json["sub"] == "api"


def test_a_token_of_a_deleted_client_is_not_active(
    party: RelyingParty, asker: dict[str, str]
) -> None:
    created = party.service.add_client(
        "svc", public=False, grants=["client_credentials"], redirect_uris=[], audience="urn:api"
    )
    proof = basic("svc", created["client_secret"])
    token = party.service.edge().post(
        "/oauth2/token", {"grant_type": "client_credentials"}, headers=proof
    )
    assert ask(party, token.json["access_token"], asker).json["active"]
    party.service.admin("DELETE", "/admin/clients/svc")
    assert ask(party, token.json["access_token"], asker).json == {"active": False}


def test_others_learn_nothing(party: RelyingParty, asker: dict[str, str]) -> None:
    stranger = party.service.add_client(
        "stranger", public=False, grants=["client_credentials"], redirect_uris=[]
    )
    tokens = party.tokens()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        answer = ask(party, token, basic("stranger", stranger["client_secret"]))
        assert answer.json == {"active": False}


@pytest.mark.parametrize("token", ["x", "a.b.c", "ü", "ü.ü.ü", "a" * 60_000, "." * 60_000])
def test_a_text_that_is_no_token_is_not_active(
    party: RelyingParty, asker: dict[str, str], token: str
) -> None:
    answer = ask(party, token, asker)
    assert (answer.status_code, answer.json) == (200, {"active": False})


def test_not_active_is_a_refusal_for_the_edge(party: RelyingParty, asker: dict[str, str]) -> None:
    """Otherwise a candidate that refuses good tokens would look good."""
    assert outcome_of(ask(party, "x.y.z", asker)) == "invalid_token"
    token = party.tokens()["access_token"]
    party.service.clock.advance(305)
    answer = ask(party, token, asker)
    assert (answer.json, outcome_of(answer)) == ({"active": False}, "expired")


def test_a_revoked_grant_is_not_active(party: RelyingParty, asker: dict[str, str]) -> None:
    token = party.tokens()["access_token"]
    party.browser.submit("/sign-out", {})
    assert ask(party, token, asker).json == {"active": False}


def test_a_token_of_a_disabled_user_is_not_active(
    party: RelyingParty, asker: dict[str, str]
) -> None:
    token = party.tokens()["access_token"]
    party.service.admin("POST", "/admin/users/ada@example.org/disable")
    assert ask(party, token, asker).json == {"active": False}


def test_an_id_token_is_not_active(party: RelyingParty, asker: dict[str, str]) -> None:
    assert ask(party, party.tokens()["id_token"], asker).json == {"active": False}


def test_a_client_may_ask_about_its_own_refresh_tokens(party: RelyingParty) -> None:
    secret = party.service.add_client("web", public=False)["client_secret"]
    party.client_id = "web"
    proof = basic("web", secret)
    redeemed = party.service.edge().post(
        "/oauth2/token", party.token_form(party.code()), headers=proof
    )
    token = redeemed.json["refresh_token"]
    answer = ask(party, token, proof, token_type_hint="refresh_token")
    assert answer.json["active"]
    assert answer.json["client_id"] == "web"
    assert answer.json["sub"] == decoded(redeemed.json["access_token"])["sub"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    successor = party.service.edge().post("/oauth2/token", form, headers=proof).json
    assert ask(party, token, proof).json == {"active": False}
    assert ask(party, successor["refresh_token"], proof).json["active"]
    party.browser.submit("/sign-out", {})
    assert ask(party, successor["refresh_token"], proof).json == {"active": False}


def test_an_expired_refresh_token_is_not_active(party: RelyingParty) -> None:
    secret = party.service.add_client("web", public=False)["client_secret"]
    party.client_id = "web"
    proof = basic("web", secret)
    redeemed = party.service.edge().post(
        "/oauth2/token", party.token_form(party.code()), headers=proof
    )
    party.service.clock.advance(1_209_600)
    answer = ask(party, redeemed.json["refresh_token"], proof)
    assert (answer.json, outcome_of(answer)) == ({"active": False}, "expired")


@pytest.mark.parametrize("headers", [{}, basic("api", "wrong"), basic("nobody", "x")])
def test_who_proves_nothing_gets_401(
    party: RelyingParty, asker: dict[str, str], headers: dict[str, str]
) -> None:
    answer = ask(party, party.tokens()["access_token"], headers)
    assert (answer.status_code, outcome_of(answer)) == (401, "invalid_client")
    assert "www-authenticate" in answer.headers


def test_a_public_client_cannot_ask(party: RelyingParty, asker: dict[str, str]) -> None:
    answer = ask(party, party.tokens()["access_token"], {}, client_id="app")
    assert answer.status_code == 401


def test_a_missing_token_is_an_invalid_request(party: RelyingParty, asker: dict[str, str]) -> None:
    answer = party.service.edge().post("/oauth2/introspect", {}, headers=asker)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
