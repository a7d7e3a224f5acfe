"""OFREP: an application asks for the flags of its user, and learns only what is public."""

import json
from typing import Any

import pytest
from falcon import testing

from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic, bearer

PATH = "/ofrep/v1/evaluate/flags"
FLAGS: dict[str, Any] = {
    "for_admins": {"default": False, "variant": True, "roles": ["admin"], "public": True},
    "for_app": {"default": "a", "variant": "b", "clients": ["app"], "public": True},
    "split": {"default": 1, "variant": 2, "percent": 50, "public": True},
    "fixed": {"default": 0.5, "public": True},
    "switched_off": {
        "default": False,
        "variant": True,
        "percent": 100,
        "off": True,
        "public": True,
    },
    "internal": {"default": "secret-plan", "variant": "x", "percent": 5},
    "plain": True,
}
PUBLIC = sorted(name for name, flag in FLAGS.items() if flag is not True and "public" in flag)


@pytest.fixture
def replica(service: IdentityService) -> IdentityService:
    return service.replica(flags=FLAGS)


def ask(
    service: IdentityService, token: str, body: object = None, name: str = "", **headers: str
) -> testing.Result:
    path = f"{PATH}/{name}" if name else PATH
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    sent = {**bearer(token), "content-type": "application/json", **headers}
    return service.edge().request("POST", path, headers=sent, body="" if body is None else content)


def client_token(service: IdentityService) -> str:
    created = service.add_client("backend", public=False, grants=["client_credentials"])
    answer = service.edge().request(
        "POST",
        "/oauth2/token",
        form={"grant_type": "client_credentials"},
        headers=basic("backend", created["client_secret"]),
    )
    return str(answer.json["access_token"])


def values(answer: testing.Result) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {flag["key"]: flag.get("value", flag.get("errorCode")) for flag in answer.json["flags"]}


def test_a_users_token_says_who_the_user_is(party: RelyingParty, replica: IdentityService) -> None:
    token = party.tokens()["access_token"]
    answer = ask(replica, token, {"context": {}}, "for_admins")
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    assert answer.json == {
        "key": "for_admins",
        "value": True,
        "reason": "TARGETING_MATCH",
        "variant": "variant",
    }
    assert ask(replica, token, None, "for_app").json["value"] == "b"
    assert ask(replica, token, {}, "fixed").json["reason"] == "STATIC"
    assert ask(replica, token, {}, "switched_off").json["reason"] == "DISABLED"
    assert ask(replica, token, {}, "split").json["reason"] == "SPLIT"


def test_what_a_request_says_of_its_user_counts_for_nothing(
    service: IdentityService, replica: IdentityService
) -> None:
    service.add_user("bob@example.org")
    service.add_client()
    browser = service.edge()
    browser.sign_in("bob@example.org")
    token = RelyingParty(service, browser).tokens()["access_token"]
    honest = values(ask(replica, token))
    for number in range(20):
        claimed = {"targetingKey": f"u-{number}", "roles": ["admin"], "client_id": "other"}
        assert values(ask(replica, token, {"context": claimed})) == honest
    assert honest["for_admins"] is False


def test_a_user_who_was_disabled_is_refused_at_once(
    party: RelyingParty, replica: IdentityService
) -> None:
    token = party.tokens()["access_token"]
    assert ask(replica, token, {}, "for_admins").json["value"] is True
    taken = party.service.admin("POST", "/admin/users/ada@example.org/disable")
    assert taken.status_code == 200, taken.text
    answer = ask(replica, token, {}, "for_admins")
    assert (answer.status_code, outcome_of(answer)) == (401, "user_disabled")


def test_a_client_for_itself_says_for_whom_it_asks(
    service: IdentityService, replica: IdentityService
) -> None:
    token = client_token(service)
    drawn = {
        ask(replica, token, {"context": {"targetingKey": f"u-{number}"}}, "split").json["value"]
        for number in range(30)
    }
    assert drawn == {1, 2}
    as_admin = {"context": {"targetingKey": "u-1", "roles": ["admin"]}}
    assert ask(replica, token, as_admin, "for_admins").json["value"] is True
    # The client is told by the token, whatever the context says.
    claimed = {"context": {"targetingKey": "u-1", "client_id": "app"}}
    assert ask(replica, token, claimed, "for_app").json["value"] == "a"


def test_without_a_key_a_split_flag_fails_and_the_others_do_not(
    service: IdentityService, replica: IdentityService
) -> None:
    token = client_token(service)
    answer = ask(replica, token, {"context": {}}, "split")
    assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request")
    assert answer.json["key"] == "split"
    assert answer.json["errorCode"] == "TARGETING_KEY_MISSING"
    together = values(ask(replica, token, {"context": {}}))
    assert together["split"] == "TARGETING_KEY_MISSING"
    assert together["fixed"] == 0.5


def test_a_client_that_was_deleted_is_refused(
    service: IdentityService, replica: IdentityService
) -> None:
    token = client_token(service)
    assert service.admin("DELETE", "/admin/clients/backend").status_code in {200, 204}
    answer = ask(replica, token)
    assert (answer.status_code, outcome_of(answer)) == (401, "invalid_token")


@pytest.mark.parametrize("name", ["internal", "plain", "sign_up_open", "gone", "x" * 5000])
def test_what_is_not_public_is_not_found(
    party: RelyingParty, replica: IdentityService, name: str
) -> None:
    answer = ask(replica, party.tokens()["access_token"], {}, name)
    assert (answer.status_code, outcome_of(answer)) == (404, "not_found")
    assert answer.json == {
        "key": name[:100],
        "errorCode": "FLAG_NOT_FOUND",
        "errorDetails": "There is no such flag.",
    }


def test_all_at_once_are_the_public_ones_with_a_tag(
    party: RelyingParty, replica: IdentityService
) -> None:
    token = party.tokens()["access_token"]
    answer = ask(replica, token, {"context": {}})
    assert list(values(answer)) == PUBLIC
    assert "secret-plan" not in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    tag = answer.headers["etag"]
    again = ask(replica, token, {"context": {}}, **{"if-none-match": tag})
    assert (again.status_code, outcome_of(again), again.text) == (304, "ok", "")
    changed = party.service.replica(name="identity-third", flags={**FLAGS, "for_app": "c"})
    assert ask(changed, token, {}, **{"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "PARSE_ERROR"),
        ("[" * 50_000, "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        ("[]", "PARSE_ERROR"),
        ({"context": [1]}, "INVALID_CONTEXT"),
        ({"context": "me"}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 7}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "x" * 1001}}, "INVALID_CONTEXT"),
        ({"context": {"roles": "admin"}}, "INVALID_CONTEXT"),
        ({"context": {"roles": [1]}}, "INVALID_CONTEXT"),
        ({"context": {"roles": ["r"] * 33}}, "INVALID_CONTEXT"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_both_endpoints(
    service: IdentityService, replica: IdentityService, body: object, code: str
) -> None:
    token = client_token(service)
    for name in ("", "fixed"):
        answer = ask(replica, token, body, name)
        assert (answer.status_code, outcome_of(answer)) == (400, "invalid_request"), answer.text
        assert answer.json["errorCode"] == code


@pytest.mark.parametrize("name", ["", "fixed"])
def test_without_a_good_token_nothing_is_told(replica: IdentityService, name: str) -> None:
    path = f"{PATH}/{name}" if name else PATH
    none = replica.edge().request("POST", path, body="{}")
    assert (none.status_code, outcome_of(none)) == (401, "no_credentials")
    bad = ask(replica, "a.b.c", {}, name)
    assert (bad.status_code, outcome_of(bad)) == (401, "invalid_token")
    assert "invalid_token" in bad.headers["www-authenticate"]


def test_a_body_that_is_too_large_is_refused(party: RelyingParty, replica: IdentityService) -> None:
    answer = ask(replica, party.tokens()["access_token"], " " * (64 * 1024 + 1))
    assert (answer.status_code, outcome_of(answer)) == (413, "too_large")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/fixed"])
def test_scripts_of_any_origin_may_ask(replica: IdentityService, path: str) -> None:
    answer = replica.edge().request("OPTIONS", path)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert replica.edge().request("GET", path).status_code == 405
