"""The authorization endpoint: who gets a code, who is asked to sign in, who is refused where."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from ostiary.identity.oauth.authorization.code_issue import CodeIssuer
from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import REDIRECT_URI, RelyingParty, decoded, location_of


def test_a_signed_in_person_returns_with_a_code(party: RelyingParty) -> None:
    answer = party.authorize()
    where, parameters = location_of(answer)
    assert where == REDIRECT_URI
    assert parameters.keys() == {"code", "state", "iss"}
    assert len(parameters["code"]) >= 43
    assert parameters["state"] == "the state"
    assert parameters["iss"] == "http://login.example"
    assert outcome_of(answer) == "ok"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_codes_are_stored_hashed(party: RelyingParty) -> None:
    code = party.code()
    with party.service.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM authorization_codes").all()
    assert len(rows) == 1
    assert code not in str(rows)


def test_without_state_none_comes_back(party: RelyingParty) -> None:
    _, parameters = location_of(party.browser.get(party.address(state=None)))
    assert parameters.keys() == {"code", "iss"}


def test_a_query_in_the_redirect_address_is_kept_as_it_is(party: RelyingParty) -> None:
    address = "https://app.example/cb?a=%7E~$'&b"
    party.service.add_client("query", redirect_uris=[address.replace("'", "")])
    answer = party.browser.get(
        party.address(client_id="query", redirect_uri=address.replace("'", ""))
    )
    assert answer.headers["location"].startswith("https://app.example/cb?a=%7E~$&b&code=")


def test_state_is_passed_on_unchanged_and_cannot_split_the_header(party: RelyingParty) -> None:
    state = "a b+c&iss=evil\r\nx-evil: 1\u00fc%00"
    answer = party.browser.get(party.address(state=state))
    _, parameters = location_of(answer)
    assert parameters["state"] == state
    assert parameters["iss"] == "http://login.example"
    assert "x-evil" not in answer.headers


def test_a_form_is_answered_like_a_query(party: RelyingParty) -> None:
    query = dict(parse_qsl(urlsplit(party.address()).query))
    where, parameters = location_of(party.browser.post("/oauth2/authorize", query))
    assert where == REDIRECT_URI
    assert parameters["code"]


def test_nobody_signed_in_is_sent_to_sign_in_and_comes_back(party: RelyingParty) -> None:
    party.browser.cookies.clear()
    answer = party.authorize()
    where, parameters = location_of(answer)
    assert where == "/sign-in"
    assert outcome_of(answer) == "login_required"
    signed_in = party.browser.sign_in(return_to=parameters["return_to"])
    where, parameters = location_of(party.browser.get(signed_in.headers["location"]))
    assert where == REDIRECT_URI
    assert parameters["state"] == "the state"
    assert party.redeem(parameters["code"]).status_code == 200


def test_without_anybody_signed_in_prompt_none_is_refused_to_the_client(
    party: RelyingParty,
) -> None:
    party.browser.cookies.clear()
    answer = party.browser.get(party.address(prompt="none"))
    where, parameters = location_of(answer)
    assert where == REDIRECT_URI
    assert parameters["error"] == "login_required"
    assert parameters["state"] == "the state"
    assert parameters["iss"] == "http://login.example"
    assert outcome_of(answer) == "login_required"


def test_with_somebody_signed_in_prompt_none_gives_a_code(party: RelyingParty) -> None:
    _, parameters = location_of(party.browser.get(party.address(prompt="none")))
    assert parameters["code"]


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_prompt_login_asks_once_and_then_goes_on(party: RelyingParty, prompt: str) -> None:
    party.service.clock.advance(30)
    where, parameters = location_of(party.browser.get(party.address(prompt=prompt)))
    assert where == "/sign-in"
    assert location_of(party.browser.get(parameters["return_to"]))[0] == "/sign-in"
    signed_in = party.browser.sign_in(return_to=parameters["return_to"])
    where, parameters = location_of(party.browser.get(signed_in.headers["location"]))
    assert where == REDIRECT_URI
    token = party.redeem(parameters["code"]).json["id_token"]
    assert decoded(token)["auth_time"] == int(party.service.clock.now().timestamp())


def test_max_age_asks_for_the_password_when_the_session_is_older(party: RelyingParty) -> None:
    party.service.clock.advance(100)
    assert location_of(party.browser.get(party.address(max_age="100")))[0] == REDIRECT_URI
    assert location_of(party.browser.get(party.address(max_age="99")))[0] == "/sign-in"
    where, parameters = location_of(party.browser.get(party.address(max_age="99", prompt="none")))
    assert (where, parameters["error"]) == (REDIRECT_URI, "login_required")


def test_max_age_zero_asks_once_and_then_goes_on(party: RelyingParty) -> None:
    _, parameters = location_of(party.browser.get(party.address(max_age="0")))
    party.service.clock.advance(3)
    signed_in = party.browser.sign_in(return_to=parameters["return_to"])
    party.service.clock.advance(3)
    assert location_of(party.browser.get(signed_in.headers["location"]))[0] == REDIRECT_URI


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "a\0b"}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "invalid_request"),
        ({"redirect_uri": 'https://app.example/"ü\\'}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
    ],
)
def test_an_unknown_client_or_address_gets_a_page_and_no_redirect(
    party: RelyingParty, changed: dict[str, str | None], outcome: str
) -> None:
    answer = party.browser.get(party.address(**changed))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "<html" in answer.text
    assert outcome_of(answer) == outcome


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'co"de\\ü'}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "²"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 43 + "\n"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
    ],
)
def test_other_errors_are_told_to_the_client_with_state_and_issuer(
    party: RelyingParty, changed: dict[str, str | None], error: str
) -> None:
    answer = party.browser.get(party.address(**changed))
    where, parameters = location_of(answer)
    assert where == REDIRECT_URI
    assert parameters["error"] == error
    assert parameters["state"] == "the state"
    assert parameters["iss"] == "http://login.example"
    assert "code" not in parameters
    assert outcome_of(answer) in {error, "invalid_request"}


def test_a_client_without_the_grant_may_not_ask_for_codes(party: RelyingParty) -> None:
    party.service.add_client("svc", public=False, grants=["client_credentials"])
    _, parameters = location_of(party.browser.get(party.address(client_id="svc")))
    assert parameters["error"] == "unauthorized_client"


def test_scopes_that_the_client_may_not_have_are_left_out(party: RelyingParty) -> None:
    party.service.add_client("narrow", scopes=["openid", "api.read"])
    party.client_id = "narrow"
    party.scope = "openid email api.read api.write openid"
    assert party.tokens()["scope"] == "openid api.read"


@pytest.mark.parametrize("query", ["client_id=%ff", "&".join(f"a{n}=1" for n in range(51))])
def test_a_query_that_cannot_be_read_gets_a_page(party: RelyingParty, query: str) -> None:
    answer = party.browser.get(f"/oauth2/authorize?{query}")
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "code_challenge"])
def test_a_repeated_parameter_gets_a_page(party: RelyingParty, name: str) -> None:
    answer = party.browser.get(party.address() + "&" + urlencode({name: "again"}))
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request")


def test_a_session_that_ends_between_question_and_code_leads_to_sign_in(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue = CodeIssuer.issue

    def sign_out_first(issuer: CodeIssuer, *arguments: object) -> str | None:
        with party.service.store.write() as connection:
            connection.exec_driver_sql("DELETE FROM sessions")
        return issue(issuer, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(CodeIssuer, "issue", sign_out_first)
    answer = party.authorize()
    assert location_of(answer)[0] == "/sign-in"
    assert outcome_of(answer) == "login_required"


def test_an_expired_session_leads_to_sign_in(party: RelyingParty) -> None:
    party.service.clock.advance(43_199)
    assert location_of(party.authorize())[0] == REDIRECT_URI
    party.service.clock.advance(1)
    assert location_of(party.authorize())[0] == "/sign-in"


def test_a_disabled_user_is_asked_to_sign_in(service: IdentityService, party: RelyingParty) -> None:
    service.admin("POST", "/admin/users/ada@example.org/disable")
    assert location_of(party.authorize())[0] == "/sign-in"
