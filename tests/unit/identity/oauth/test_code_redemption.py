"""Redeeming codes: what they are redeemed for, and what is refused."""

import pytest

from tests.identity_app import IdentityService, counted_statements, outcome_of
from tests.unit.identity.oauth.flow import (
    REDIRECT_URI,
    RelyingParty,
    basic,
    challenge_of,
    decoded,
    location_of,
)


def test_a_code_is_redeemed_for_tokens_that_say_what_they_should(party: RelyingParty) -> None:
    party.service.clock.advance(10)
    answer = party.redeem(party.code())
    assert answer.status_code == 200
    assert outcome_of(answer) == "ok"
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert tokens["scope"] == "openid profile email"
    now = int(party.service.clock.now().timestamp())
    header, claims = decoded(tokens["access_token"], 0), decoded(tokens["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert claims["iss"] == claims["aud"] == "http://login.example"
    assert claims["client_id"] == "app"
    assert claims["roles"] == ["admin"]
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + 300, now - 10)
    assert claims["jti"]
    identity = decoded(tokens["id_token"])
    assert identity["sub"] == claims["sub"]
    assert identity["aud"] == "app"
    assert identity["nonce"] == "the nonce"
    assert identity["email"] == "ada@example.org"
    assert (identity["exp"], identity["auth_time"]) == (now + 300, now - 10)


def test_without_openid_there_is_no_id_token(party: RelyingParty) -> None:
    party.scope = "email"
    assert "id_token" not in party.tokens()


def test_without_the_grant_there_is_no_refresh_token(party: RelyingParty) -> None:
    party.service.add_client("short", grants=["authorization_code"])
    party.client_id = "short"
    assert "refresh_token" not in party.tokens()


def test_a_client_has_an_audience_and_a_probe_a_lifetime_of_its_own(party: RelyingParty) -> None:
    party.service.add_client("probe-1", audience="urn:probe", probe=True, access_token_seconds=7)
    party.client_id = "probe-1"
    tokens = party.tokens()
    claims = decoded(tokens["access_token"])
    assert claims["aud"] == "urn:probe"
    assert tokens["expires_in"] == claims["exp"] - claims["iat"] == 7


def test_every_token_has_an_id_of_its_own(party: RelyingParty) -> None:
    one, other = party.tokens(), party.tokens()
    assert decoded(one["access_token"])["jti"] != decoded(other["access_token"])["jti"]
    assert one["refresh_token"] != other["refresh_token"]


def test_a_confidential_client_proves_itself_and_the_code(party: RelyingParty) -> None:
    secret = party.service.add_client("web", public=False)["client_secret"]
    party.client_id = "web"
    form = party.token_form(party.code())
    refused = party.service.edge().post("/oauth2/token", form)
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    answer = party.service.edge().post("/oauth2/token", form, headers=basic("web", secret))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "b" * 43}, "invalid_grant"),
        ({"code_verifier": challenge_of("x")}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": "ü" * 43}, "invalid_request"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code": "nonsense"}, "invalid_grant"),
        ({"code": "ü" * 100}, "invalid_grant"),
        ({"code": "\0"}, "invalid_request"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": 'pass"\\wörd'}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
    ],
)
def test_what_does_not_fit_is_refused_and_uses_nothing_up(
    party: RelyingParty, changed: dict[str, str], error: str
) -> None:
    party.service.add_client("other")
    code = party.code()
    answer = party.service.edge().post("/oauth2/token", {**party.token_form(code), **changed})
    assert answer.json["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert outcome_of(answer) == error
    assert party.redeem(code).status_code == 200


def test_a_missing_code_is_an_invalid_request(party: RelyingParty) -> None:
    form = party.token_form("x")
    del form["code"]
    answer = party.service.edge().post("/oauth2/token", form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_code_expires(party: RelyingParty) -> None:
    code, late = party.code(), party.code()
    party.service.clock.advance(59)
    assert party.redeem(code).status_code == 200
    party.service.clock.advance(1)
    answer = party.redeem(late)
    assert answer.json["error"] == "invalid_grant"
    assert outcome_of(answer) == "expired"


def test_a_code_of_a_disabled_user_is_refused(party: RelyingParty) -> None:
    code = party.code()
    party.service.admin("POST", "/admin/users/ada@example.org/disable")
    answer = party.redeem(code)
    assert answer.json["error"] == "invalid_grant"


def test_a_code_of_a_session_that_was_signed_out_is_refused(party: RelyingParty) -> None:
    code = party.code()
    party.browser.submit("/sign-out", {})
    assert party.redeem(code).json["error"] == "invalid_grant"


def test_a_used_code_is_refused_and_takes_its_tokens_along(party: RelyingParty) -> None:
    code = party.code()
    tokens = party.redeem(code).json
    answer = party.redeem(code)
    assert answer.json["error"] == "invalid_grant"
    assert outcome_of(answer) == "invalid_grant"
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert party.userinfo(tokens["access_token"]).status_code == 401


def test_whoever_found_a_used_code_but_has_no_proof_revokes_nothing(party: RelyingParty) -> None:
    code = party.code()
    tokens = party.redeem(code).json
    form = party.token_form(code, code_verifier="c" * 43)
    assert party.service.edge().post("/oauth2/token", form).json["error"] == "invalid_grant"
    assert party.userinfo(tokens["access_token"]).status_code == 200


def test_a_reuse_leaves_other_grants_of_the_user_alone(party: RelyingParty) -> None:
    other = party.tokens()
    code = party.code()
    party.redeem(code)
    party.redeem(code)
    assert party.refresh(other["refresh_token"]).status_code == 200


def test_a_code_for_a_loopback_port_is_redeemed_with_that_port(service: IdentityService) -> None:
    service.add_user()
    service.add_client("native", redirect_uris=["http://127.0.0.1/cb"])
    browser = service.edge()
    browser.sign_in()
    party = RelyingParty(service, browser, client_id="native")
    chosen = "http://127.0.0.1:50123/cb"
    where, parameters = location_of(browser.get(party.address(redirect_uri=chosen)))
    assert where == chosen
    form = party.token_form(parameters["code"], redirect_uri="http://127.0.0.1/cb")
    assert service.edge().post("/oauth2/token", form).json["error"] == "invalid_grant"
    form["redirect_uri"] = chosen
    assert service.edge().post("/oauth2/token", form).status_code == 200
    assert chosen != REDIRECT_URI


def test_redeeming_costs_few_statements_and_one_write_transaction(party: RelyingParty) -> None:
    code = party.code()
    with counted_statements() as statements:
        assert party.redeem(code).status_code == 200
    assert len(statements.reads) == 4
    assert len(statements.writes) == 4
    assert statements.write_transactions == 1


def test_authorizing_costs_two_reads_and_one_write(party: RelyingParty) -> None:
    with counted_statements() as statements:
        party.code()
    assert len(statements.reads) == 2
    assert len(statements.writes) == 1
    assert statements.write_transactions == 1
