"""Userinfo: what it tells, and how it refuses (RFC 6750)."""

import pytest

from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic, bearer


def test_it_tells_what_the_scope_allows(party: RelyingParty) -> None:
    answer = party.userinfo(party.tokens()["access_token"])
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    assert answer.json.pop("sub")
    assert answer.headers["cache-control"] == "no-store"
    assert {name: answer.json[name] for name in ("email", "email_verified", "roles")} == {
        "email": "ada@example.org",
        "email_verified": False,
        "roles": ["admin"],
    }


def test_openid_alone_tells_the_subject_only(party: RelyingParty) -> None:
    party.scope = "openid"
    assert party.userinfo(party.tokens()["access_token"]).json.keys() == {"sub"}


def test_a_post_is_answered_like_a_get(party: RelyingParty) -> None:
    headers = bearer(party.tokens()["access_token"])
    answer = party.service.edge().request("POST", "/oauth2/userinfo", headers=headers)
    assert answer.status_code == 200


def test_a_token_for_another_audience_is_accepted_if_it_asks_for_openid(
    party: RelyingParty,
) -> None:
    party.service.add_client("api-user", audience="urn:api")
    party.client_id = "api-user"
    assert party.userinfo(party.tokens()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer"}, {"authorization": "Bearer  "}, basic("a", "b")]
)
def test_without_a_token_the_challenge_names_no_error(
    service: IdentityService, headers: dict[str, str]
) -> None:
    answer = service.edge().request("GET", "/oauth2/userinfo", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="ostiary"'
    assert outcome_of(answer) == "no_credentials"


def test_a_token_in_the_query_or_form_is_not_looked_at(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    edge = party.service.edge()
    assert edge.get(f"/oauth2/userinfo?access_token={token}").status_code == 401
    assert edge.post("/oauth2/userinfo", {"access_token": token}).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "\xff\xfe.\xff.\xff", "a" * 60_000, ", error="])
def test_a_bad_token_is_401_invalid_token(service: IdentityService, token: str) -> None:
    answer = service.edge().request("GET", "/oauth2/userinfo", headers=bearer(token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert outcome_of(answer) == "invalid_token"


def test_an_expired_token_is_told_as_expired(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    party.service.clock.advance(304)
    assert party.userinfo(token).status_code == 200
    party.service.clock.advance(1)
    answer = party.userinfo(token)
    assert answer.status_code == 401
    assert outcome_of(answer) == "expired"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_id_token_is_no_access_token(party: RelyingParty) -> None:
    assert party.userinfo(party.tokens()["id_token"]).status_code == 401


def test_a_scope_without_openid_is_403(party: RelyingParty) -> None:
    party.scope = "email"
    answer = party.userinfo(party.tokens()["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="openid"' in answer.headers["www-authenticate"]
    assert outcome_of(answer) == "insufficient_scope"


def test_a_client_acting_for_itself_has_no_userinfo(party: RelyingParty) -> None:
    svc = party.service.add_client(
        "svc", public=False, grants=["client_credentials"], redirect_uris=[]
    )
    answer = party.service.edge().post(
        "/oauth2/token",
        {"grant_type": "client_credentials"},
        headers=basic("svc", svc["client_secret"]),
    )
    assert party.userinfo(answer.json["access_token"]).status_code == 403


def test_a_disabled_user_is_refused_at_once(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    party.service.admin("POST", "/admin/users/ada@example.org/disable")
    answer = party.userinfo(token)
    assert answer.status_code == 401
    assert outcome_of(answer) == "user_disabled"


def test_a_deleted_user_is_refused_at_once(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    party.service.admin("DELETE", "/admin/users/ada@example.org")
    assert party.userinfo(token).status_code == 401


def test_after_signing_out_the_token_is_refused(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    party.browser.submit("/sign-out", {})
    assert party.userinfo(token).status_code == 401
