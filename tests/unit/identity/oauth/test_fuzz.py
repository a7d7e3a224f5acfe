"""Whatever is sent to the endpoints, the answer is a refusal and never a failure of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.identity_app import IdentityService, build_identity, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic

FUZZ = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HEADER_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
REFUSALS = {200, 303, 400, 401, 403}


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IdentityService]:
    url = None
    if request.param == "postgres":
        url = request.getfixturevalue("module_postgres_url")
    directory: Path = tmp_path_factory.mktemp("fuzz")
    built = build_identity(directory, database_url=url)
    yield built
    built.close()


@pytest.fixture(scope="module")
def party(service: IdentityService) -> RelyingParty:
    service.add_user()
    service.add_client()
    browser = service.edge()
    browser.sign_in()
    return RelyingParty(service, browser)


@pytest.fixture(scope="module")
def proof(service: IdentityService) -> dict[str, str]:
    created = service.add_client(
        "svc", public=False, grants=["client_credentials"], redirect_uris=[]
    )
    return basic("svc", created["client_secret"])


def fields(*names: str) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), TEXTS)


@FUZZ
@given(
    changed=fields(
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "reauthentication_of",
        "claims",
    )
)
def test_authorization_requests(party: RelyingParty, changed: dict[str, str]) -> None:
    answer = party.browser.get(party.address(**changed))
    assert answer.status_code in REFUSALS, outcome_of(answer)


@FUZZ
@given(query=st.binary(max_size=60))
def test_authorization_queries(party: RelyingParty, query: bytes) -> None:
    quoted = "".join(f"%{byte:02x}" if byte not in b"&=+%" else chr(byte) for byte in query)
    answer = party.browser.get(f"/oauth2/authorize?{quoted}")
    assert answer.status_code in REFUSALS, outcome_of(answer)


@FUZZ
@given(
    grant_type=st.sampled_from(["authorization_code", "refresh_token", "client_credentials"])
    | TEXTS,
    form=fields(
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "redirect_uri",
        "refresh_token",
        "scope",
    ),
)
def test_token_requests(party: RelyingParty, grant_type: str, form: dict[str, str]) -> None:
    sent = {"client_id": "app", **form, "grant_type": grant_type}
    answer = party.service.edge().post("/oauth2/token", sent)
    assert answer.status_code in REFUSALS, outcome_of(answer)
    assert answer.json["error"]


@FUZZ
@given(header=HEADER_TEXTS | HEADER_TEXTS.map(lambda text: f"Basic {text}"))
def test_authorization_headers(party: RelyingParty, header: str) -> None:
    for path, form in (
        ("/oauth2/token", {"grant_type": "client_credentials"}),
        ("/oauth2/introspect", {"token": "x"}),
        ("/oauth2/userinfo", {}),
    ):
        answer = party.service.edge().post(path, form, headers={"authorization": header})
        assert answer.status_code in {400, 401}, outcome_of(answer)


@FUZZ
@given(form=fields("token", "token_type_hint", "client_id"))
def test_introspection_requests(
    party: RelyingParty, proof: dict[str, str], form: dict[str, str]
) -> None:
    answer = party.service.edge().post("/oauth2/introspect", form, headers=proof)
    assert answer.status_code in REFUSALS, outcome_of(answer)
    assert answer.json.get("active", False) is False


@FUZZ
@given(form=fields("id_token_hint", "post_logout_redirect_uri", "client_id", "state"))
def test_end_session_requests(party: RelyingParty, form: dict[str, str]) -> None:
    answer = party.browser.post("/oauth2/end-session", form)
    assert answer.status_code in REFUSALS, outcome_of(answer)
