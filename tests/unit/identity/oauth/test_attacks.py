"""Attacks from outside that RFC 9700 describes, played through."""

from urllib.parse import urlencode

import pytest

from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import (
    REDIRECT_URI,
    VERIFIER,
    RelyingParty,
    challenge_of,
    decoded,
    location_of,
)


@pytest.fixture
def attacker(service: IdentityService, party: RelyingParty) -> RelyingParty:
    """Somebody with an account and a client of their own."""
    service.add_user("eve@example.org")
    service.add_client("evil", redirect_uris=["https://evil.example/cb"])
    browser = service.edge()
    browser.sign_in("eve@example.org")
    return RelyingParty(service, browser, client_id="evil")


def test_a_stolen_code_is_worthless_without_the_verifier(
    party: RelyingParty, attacker: RelyingParty
) -> None:
    """RFC 9700, section 4.5: authorization code injection."""
    code = party.code()
    form = {**party.token_form(code), "code_verifier": "e" * 43}
    assert attacker.service.edge().post("/oauth2/token", form).json["error"] == "invalid_grant"
    del form["code_verifier"]
    assert attacker.service.edge().post("/oauth2/token", form).json["error"] == "invalid_request"


def test_a_code_injected_into_the_victims_session_is_refused(
    party: RelyingParty, attacker: RelyingParty
) -> None:
    """The attacker's code, issued to the same client, meets the victim's verifier."""
    mine = RelyingParty(attacker.service, attacker.browser, client_id="app")
    address = mine.address(code_challenge=challenge_of("e" * 43))
    code = location_of(attacker.browser.get(address))[1]["code"]
    assert party.redeem(code).json["error"] == "invalid_grant"


def test_a_code_of_one_client_cannot_be_redeemed_by_another(
    party: RelyingParty, attacker: RelyingParty
) -> None:
    code = party.code()
    form = {**party.token_form(code), "client_id": "evil"}
    assert attacker.service.edge().post("/oauth2/token", form).json["error"] == "invalid_grant"
    assert party.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "stripped",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge": ""},
    ],
)
def test_pkce_cannot_be_taken_out_on_the_way(
    party: RelyingParty, stripped: dict[str, str | None]
) -> None:
    """RFC 9700, section 4.8: PKCE downgrade."""
    _, parameters = location_of(party.browser.get(party.address(**stripped)))
    assert parameters["error"] == "invalid_request"


def test_every_answer_names_its_issuer(party: RelyingParty) -> None:
    """RFC 9700, section 4.4: without it a client can be made to mix up its providers."""
    for changed in ({}, {"response_type": "token"}, {"code_challenge": None}, {"prompt": "none x"}):
        _, parameters = location_of(party.browser.get(party.address(**changed)))
        assert parameters["iss"] == "http://login.example"


def test_a_client_cannot_name_another_issuer_in_the_answer(party: RelyingParty) -> None:
    address = party.address() + "&" + urlencode({"iss": "https://evil.example"})
    answer = party.browser.get(address)
    assert answer.headers["location"].count("iss=") == 1
    assert location_of(answer)[1]["iss"] == "http://login.example"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/cb",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://app.example/callback/../../evil",
        "https://app.example/callback%0d%0aset-cookie:x=1",
        "https://app.example/callback?next=https://evil.example",
        "https://app.example/callback#@evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)//https://app.example/callback",
        REDIRECT_URI.upper(),
    ],
)
@pytest.mark.parametrize("prompt", [None, "none"])
def test_nobody_is_redirected_to_an_address_that_is_not_registered(
    party: RelyingParty, address: str, prompt: str | None
) -> None:
    """RFC 9700, sections 4.1 and 4.11: neither with a code nor with an error."""
    answer = party.browser.get(party.address(redirect_uri=address, prompt=prompt))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_sign_in_page_cannot_be_used_to_redirect_elsewhere(party: RelyingParty) -> None:
    party.browser.cookies.clear()
    where, parameters = location_of(party.authorize())
    assert where == "/sign-in"
    assert parameters["return_to"].startswith("/oauth2/authorize?")


def test_an_access_token_cannot_be_bought_with_an_id_token(party: RelyingParty) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "refresh_token": party.tokens()["id_token"],
    }
    assert party.service.edge().post("/oauth2/token", form).json["error"] == "invalid_grant"


def test_a_client_that_signs_up_as_a_user_id_gets_no_user_token(party: RelyingParty) -> None:
    """RFC 9068, section 5: a client's own token must not pass for a user's."""
    subject = decoded(party.tokens()["access_token"])["sub"]
    created = party.service.add_client(
        subject, public=False, grants=["client_credentials"], redirect_uris=[]
    )
    answer = party.service.edge().post(
        "/oauth2/token",
        {
            "grant_type": "client_credentials",
            "client_id": subject,
            "client_secret": created["client_secret"],
        },
    )
    refused = party.userinfo(answer.json["access_token"])
    assert (refused.status_code, outcome_of(refused)) == (403, "insufficient_scope")


def test_scopes_cannot_grow_on_the_way(party: RelyingParty) -> None:
    code = party.code()
    form = {**party.token_form(code), "scope": "openid admin offline_access"}
    answer = party.service.edge().post("/oauth2/token", form)
    assert answer.json["scope"] == "openid profile email"


def test_redirects_after_a_form_are_303(party: RelyingParty) -> None:
    """RFC 9700, section 4.12: with 307 a browser would post the password on."""
    assert party.authorize().status_code == 303
    assert party.browser.sign_in().status_code == 303
