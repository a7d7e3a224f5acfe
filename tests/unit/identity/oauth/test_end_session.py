"""RP-initiated logout: who is signed out without being asked, and where they go."""

from urllib.parse import urlencode

import pytest

from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import REDIRECT_URI, RelyingParty, location_of


def ends(party: RelyingParty, **parameters: str):
    return party.browser.get(f"/oauth2/end-session?{urlencode(parameters)}")


def signed_in(party: RelyingParty) -> bool:
    return location_of(party.authorize())[0] == REDIRECT_URI


def test_with_an_id_token_the_session_ends_without_asking(party: RelyingParty) -> None:
    tokens = party.tokens()
    answer = ends(party, id_token_hint=tokens["id_token"])
    assert location_of(answer) == ("/sign-in", {})
    assert outcome_of(answer) == "ok"
    assert not signed_in(party)
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_the_person_returns_to_a_registered_address_with_the_state(party: RelyingParty) -> None:
    hint = party.tokens()["id_token"]
    answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI, state="a b&c")
    assert location_of(answer) == (REDIRECT_URI, {"state": "a b&c"})


def test_addresses_registered_for_this_are_the_only_ones_then(party: RelyingParty) -> None:
    party.service.add_client("web", post_logout_redirect_uris=["https://app.example/bye?x=1"])
    party.client_id = "web"
    hint = party.tokens()["id_token"]
    refused = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI)
    assert refused.status_code == 400
    assert signed_in(party)
    bye = "https://app.example/bye?x=1"
    answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=bye, state="s")
    assert answer.headers["location"] == bye + "&state=s"


def test_an_expired_id_token_is_good_enough(party: RelyingParty) -> None:
    hint = party.tokens()["id_token"]
    party.service.clock.advance(10_000)
    assert location_of(ends(party, id_token_hint=hint))[0] == "/sign-in"
    assert not signed_in(party)


def test_without_an_id_token_the_person_is_asked(party: RelyingParty) -> None:
    answer = ends(party, client_id="app", post_logout_redirect_uri="https://evil.example/")
    assert location_of(answer) == ("/sign-out", {})
    assert signed_in(party)


@pytest.mark.parametrize("hint", ["x", "a.b.c", "ü.ü.ü"])
def test_a_bad_id_token_gets_a_page_and_signs_nobody_out(party: RelyingParty, hint: str) -> None:
    answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI)
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_token")
    assert signed_in(party)


def test_an_access_token_is_no_hint(party: RelyingParty) -> None:
    answer = ends(party, id_token_hint=party.tokens()["access_token"])
    assert answer.status_code == 400
    assert signed_in(party)


@pytest.mark.parametrize(
    "parameters",
    [
        {"post_logout_redirect_uri": "https://evil.example/"},
        {"post_logout_redirect_uri": REDIRECT_URI + "/"},
        {"client_id": "other"},
    ],
)
def test_what_does_not_fit_the_client_signs_nobody_out(
    party: RelyingParty, parameters: dict[str, str]
) -> None:
    answer = ends(party, id_token_hint=party.tokens()["id_token"], **parameters)
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request")
    assert "location" not in answer.headers
    assert signed_in(party)


def test_a_client_that_is_gone_cannot_send_anybody_anywhere(party: RelyingParty) -> None:
    hint = party.tokens()["id_token"]
    party.service.admin("DELETE", "/admin/clients/app")
    answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI)
    assert answer.status_code == 400


def test_somebody_else_in_the_same_browser_is_asked(
    service: IdentityService, party: RelyingParty
) -> None:
    hint = party.tokens()["id_token"]
    service.add_user("bob@example.org")
    party.browser.sign_in("bob@example.org")
    answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI)
    assert location_of(answer) == ("/sign-out", {})
    assert signed_in(party)


def test_repeating_it_is_harmless(party: RelyingParty) -> None:
    hint = party.tokens()["id_token"]
    for _ in range(2):
        answer = ends(party, id_token_hint=hint, post_logout_redirect_uri=REDIRECT_URI)
        assert location_of(answer)[0] == REDIRECT_URI


def test_a_form_is_answered_like_a_link(party: RelyingParty) -> None:
    form = {"id_token_hint": party.tokens()["id_token"]}
    assert location_of(party.browser.post("/oauth2/end-session", form))[0] == "/sign-in"
    assert not signed_in(party)


def test_a_form_from_another_site_becomes_a_link_that_brings_the_cookie(
    party: RelyingParty,
) -> None:
    form = {"id_token_hint": party.tokens()["id_token"], "state": "s"}
    without_cookie = party.service.edge().post("/oauth2/end-session", form)
    where, parameters = location_of(without_cookie)
    assert (where, parameters) == ("/oauth2/end-session", form)
    party.browser.get(without_cookie.headers["location"])
    assert not signed_in(party)
