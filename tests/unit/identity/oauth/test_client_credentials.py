"""Clients acting for themselves, and how clients prove who they are."""

import base64

import pytest

from tests.identity_app import IdentityService, counted_statements, outcome_of
from tests.unit.identity.oauth.flow import basic, decoded

FORM = {"grant_type": "client_credentials"}


@pytest.fixture
def secret(service: IdentityService) -> str:
    created = service.add_client(
        "svc",
        public=False,
        grants=["client_credentials"],
        redirect_uris=[],
        scopes=["api.read", "api.write"],
        audience="urn:api",
    )
    found: str = created["client_secret"]
    return found


def ask(service: IdentityService, form: dict[str, str], **headers: str):
    return service.edge().post("/oauth2/token", {**FORM, **form}, headers=headers)


def test_a_client_gets_a_token_for_itself(service: IdentityService, secret: str) -> None:
    answer = ask(service, {}, **basic("svc", secret))
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    assert answer.json.keys() == {"access_token", "token_type", "expires_in", "scope"}
    claims = decoded(answer.json["access_token"])
    assert claims["sub"] == claims["client_id"] == "svc"
    assert claims["aud"] == "urn:api"
    assert claims["scope"] == "api.read api.write"
    assert claims["roles"] == []
    assert "auth_time" not in claims


def test_the_request_costs_one_read_and_no_write(service: IdentityService, secret: str) -> None:
    with counted_statements() as statements:
        assert ask(service, {}, **basic("svc", secret)).status_code == 200
    assert len(statements.reads) == 1
    assert statements.writes == []


def test_a_narrower_scope_can_be_asked_for(service: IdentityService, secret: str) -> None:
    answer = ask(service, {"scope": "api.read"}, **basic("svc", secret))
    assert decoded(answer.json["access_token"])["scope"] == "api.read"


@pytest.mark.parametrize("scope", ["api.admin", "openid", "api.read api.admin"])
def test_a_wider_scope_is_refused(service: IdentityService, secret: str, scope: str) -> None:
    answer = ask(service, {"scope": scope}, **basic("svc", secret))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert outcome_of(answer) == "invalid_scope"


def test_the_secret_may_stand_in_the_form(service: IdentityService, secret: str) -> None:
    assert ask(service, {"client_id": "svc", "client_secret": secret}).status_code == 200


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({}, {}),
        ({"client_id": "svc"}, {}),
        ({"client_id": "svc", "client_secret": ""}, {}),
        ({"client_id": "svc", "client_secret": "wrong"}, {}),
        ({"client_id": "nobody", "client_secret": "x"}, {}),
        ({"client_id": "ü", "client_secret": "x"}, {}),
        ({"client_secret": "x"}, {}),
        ({}, basic("svc", "wrong")),
        ({}, basic("svc", "")),
        ({}, basic("nobody", "x")),
        ({}, {"authorization": "Basic"}),
        ({}, {"authorization": "Basic ???"}),
        ({}, {"authorization": "Basic YQ"}),
        ({}, {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()}),
        ({}, {"authorization": "Basic " + base64.b64encode(b"%00:%ff").decode()}),
        ({}, {"authorization": "Basic \xe9\xe9"}),
        ({}, {"authorization": "Bearer x"}),
    ],
)
def test_who_proves_nothing_gets_401_with_a_challenge(
    service: IdentityService, secret: str, form: dict[str, str], headers: dict[str, str]
) -> None:
    answer = ask(service, form, **headers)
    assert answer.status_code == 401
    assert answer.json["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert outcome_of(answer) == "invalid_client"


def test_two_proofs_at_once_are_refused(service: IdentityService, secret: str) -> None:
    answer = ask(service, {"client_secret": secret}, **basic("svc", secret))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_two_client_ids_are_refused(service: IdentityService, secret: str) -> None:
    answer = ask(service, {"client_id": "other"}, **basic("svc", secret))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_stored_hash_is_no_secret(service: IdentityService, secret: str) -> None:
    with service.store.read() as connection:
        stored = connection.exec_driver_sql("SELECT secret_hash FROM clients").scalar_one()
    assert ask(service, {}, **basic("svc", str(stored))).status_code == 401


def test_a_public_client_cannot_act_for_itself(service: IdentityService) -> None:
    service.add_client("app")
    assert ask(service, {"client_id": "app"}).status_code == 401


def test_a_public_client_is_not_believed_with_a_secret(service: IdentityService) -> None:
    service.add_client("app")
    assert ask(service, {"client_id": "app", "client_secret": "x"}).status_code == 401


def test_a_client_without_the_grant_is_refused(service: IdentityService) -> None:
    web = service.add_client("web", public=False)
    answer = ask(service, {}, **basic("web", web["client_secret"]))
    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")
    assert outcome_of(answer) == "unauthorized_client"


def test_a_deleted_client_is_refused_at_once(service: IdentityService, secret: str) -> None:
    assert ask(service, {}, **basic("svc", secret)).status_code == 200
    service.admin("DELETE", "/admin/clients/svc")
    assert ask(service, {}, **basic("svc", secret)).status_code == 401


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type":"client_credentials"}'),
        ("application/x-www-form-urlencoded", b"grant_type=%ff"),
        ("application/x-www-form-urlencoded", b"\xff\xfe"),
        ("application/x-www-form-urlencoded", b"grant_type=a&grant_type=b"),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&x=%00"),
        ("text/plain", b""),
    ],
)
def test_a_body_that_is_no_form_is_an_invalid_request(
    service: IdentityService, content_type: str, body: bytes
) -> None:
    answer = service.edge().request(
        "POST", "/oauth2/token", headers={"content-type": content_type}, body=body
    )
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert answer.json["error_description"]
    assert answer.headers["access-control-allow-origin"] == "*"
