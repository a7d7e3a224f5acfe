"""Which acts the audit log tells of, and reading it."""

import json

import pytest

from tests.identity_app import IdentityService
from tests.unit.identity.oauth.flow import RelyingParty

PASSWORD = "correct horse battery"


def entries(service: IdentityService, query: str = "") -> list[dict]:
    answer = service.admin("GET", f"/admin/audit{query}")
    assert answer.status_code == 200, answer.text
    # Each service has claimed a key before anything else happened.
    return [one for one in answer.json["entries"] if one["operation"] != "key_claimed"]


def told(service: IdentityService, query: str = "") -> list[tuple[str, str]]:
    """Return operation and outcome of every entry, the oldest first."""
    return [(one["operation"], one["outcome"]) for one in reversed(entries(service, query))]


def test_a_life_of_an_account_is_told_in_order(service: IdentityService) -> None:
    browser = service.edge()
    browser.submit("/sign-up", {"email": "Ada@example.org", "password": PASSWORD})
    browser.submit("/sign-out", {})
    browser.sign_in(password="wrong")
    browser.sign_in()
    for act in ("disable", "enable"):
        service.admin("POST", f"/admin/users/ada@example.org/{act}")
    service.admin("DELETE", "/admin/users/ada@example.org")
    assert told(service, "?subject=ADA@example.org") == [
        ("sign_up", "ok"),
        ("sign_out", "ok"),
        ("sign_in", "bad_credentials"),
        ("sign_in", "ok"),
        ("user_disabled", "ok"),
        ("user_enabled", "ok"),
        ("user_deleted", "ok"),
    ]
    actors = [one["actor"] for one in entries(service)]
    assert actors == ["operator"] * 3 + ["person"] * 4
    last = entries(service)[3]
    assert last["client_address"] == "203.0.113.7"
    assert last["snapshot"] == service.configuration.snapshot


def test_an_unknown_address_is_told_of_as_well(service: IdentityService) -> None:
    service.edge().sign_in("nobody@example.org", PASSWORD)
    assert told(service, "?subject=nobody@example.org") == [("sign_in", "unknown_user")]


def test_applications_are_told_of(service: IdentityService) -> None:
    service.add_user("ada@example.org", PASSWORD)
    service.add_client("app")
    browser = service.edge()
    browser.sign_in()
    party = RelyingParty(service, browser)
    code = party.code()
    party.redeem(code)
    party.redeem(code)
    tokens = party.tokens()
    party.refresh(tokens["refresh_token"])
    service.clock.advance(11)
    party.refresh(tokens["refresh_token"])
    service.admin("DELETE", "/admin/clients/app")
    assert told(service) == [
        ("user_added", "ok"),
        ("client_added", "ok"),
        ("sign_in", "ok"),
        ("code_redeemed", "ok"),
        ("grant_revoked", "invalid_grant"),
        ("code_redeemed", "ok"),
        ("grant_revoked", "invalid_grant"),
        ("client_deleted", "ok"),
    ]
    reasons = [one["details"].get("because") for one in entries(service)]
    assert reasons[1] == "refresh_token_reused"
    assert reasons[3] == "code_reused"
    assert entries(service)[2]["actor"] == "client:app"
    # What could be used is nowhere in the log.
    log = json.dumps(entries(service))
    secrets = (code, PASSWORD, *(tokens[name] for name in tokens if name.endswith("_token")))
    assert [secret for secret in secrets if secret in log] == []


def test_what_writes_nothing_is_not_told(service: IdentityService) -> None:
    browser = service.edge()
    browser.sign_in("not an address", PASSWORD)
    browser.post("/sign-in", {"email": "ada@example.org", "password": PASSWORD})
    browser.get("/demo")
    assert entries(service) == []


def test_journeys_are_told_of_on_request_only(service: IdentityService) -> None:
    service.add_user("probe@example.org", PASSWORD, probe=True)
    service.edge().sign_in("probe@example.org")
    service.edge().sign_in("probe@example.org", "wrong")
    assert entries(service) == []
    assert told(service, "?probe=1") == [
        ("user_added", "ok"),
        ("sign_in", "ok"),
        ("sign_in", "bad_credentials"),
    ]


def test_the_log_is_read_on_from_an_entry_and_since_a_time(service: IdentityService) -> None:
    for number in range(3):
        service.add_user(f"u{number}@example.org", PASSWORD)
        service.clock.advance(60)
    newest = entries(service, "?limit=1")[0]
    assert newest["subject"] == "u2@example.org"
    rest = entries(service, f"?before={newest['number']}")
    assert [one["subject"] for one in rest] == ["u1@example.org", "u0@example.org"]
    assert len(entries(service, "?since=2026-01-01T00:01:00Z")) == 2
    assert len(entries(service, f"?since={newest['at']}")) == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "before=-1",
        "subject=%00",
        "before=99999999999999999999999",
    ],
)
def test_a_question_that_cannot_be_understood_is_refused(
    service: IdentityService, query: str
) -> None:
    answer = service.admin("GET", f"/admin/audit?{query}")
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_request"


def test_only_operators_read_the_log(service: IdentityService) -> None:
    assert service.admin("GET", "/admin/audit", token="wrong").status_code == 401
    assert service.edge().request("GET", "/admin/audit").status_code == 404


def test_old_entries_go_with_the_next_housekeeping(service: IdentityService) -> None:
    service.add_user("ada@example.org", PASSWORD)
    service.clock.advance(service.configuration.settings.audit_days * 86_400 + 1)
    service.edge().sign_in()
    service.identity.delete_expired()
    assert told(service) == [("sign_in", "ok")]


def test_keys_are_told_of_when_they_begin_to_sign_and_when_they_are_revoked(
    service: IdentityService,
) -> None:
    (claimed,) = service.admin("GET", "/admin/audit").json["entries"]
    assert (claimed["operation"], claimed["actor"]) == ("key_claimed", "service")
    assert claimed["snapshot"] == service.configuration.snapshot
    service.admin("POST", "/admin/keys/rotate", {"kid": claimed["subject"], "revoke": True})
    told_of_it = service.admin("GET", f"/admin/audit?subject={claimed['subject']}").json["entries"]
    assert [one["operation"] for one in told_of_it] == ["key_retired", "key_claimed"]
    assert told_of_it[0]["actor"] == "operator"
