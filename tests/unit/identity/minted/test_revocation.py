"""Taking back all that one snapshot has minted: everything of it, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from falcon import testing
from sqlalchemy import text

from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.keys.pool import CACHE_SECONDS_MAX
from ostiary.kernel.outcomes import Outcome
from tests.identity_app import Edge, IdentityService, build_identity, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic, decoded

CANARY = "s-candidate000"
NOTHING = {"keys": 0, "sessions": 0, "families": 0, "codes": 0, "users": 0}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityService]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    built = build_identity(tmp_path, database_url=url)
    built.add_user()
    built.add_user("bob@example.org")
    built.add_client()
    yield built
    built.close()


@pytest.fixture
def candidate(service: IdentityService) -> IdentityService:
    return service.replica(name="identity-candidate", snapshot=CANARY)


def signed_in(at: IdentityService, email: str = "ada@example.org") -> RelyingParty:
    """Return an application with a user who has signed in at a replica."""
    browser = at.edge()
    assert browser.sign_in(email).status_code == 303
    return RelyingParty(at, browser)


def revoke(at: IdentityService, order: str = "r-1", snapshot: str = CANARY) -> testing.Result:
    body = {"order": order, "reason": "It mints for the wrong people."}
    return at.admin("POST", f"/admin/snapshots/{snapshot}/revoke", body)


def entries(service: IdentityService) -> list[dict[str, Any]]:
    found = service.admin("GET", "/admin/audit").json["entries"]
    return [entry for entry in found if entry["operation"] == "snapshot_revoked"]


def moved(party: RelyingParty, to: IdentityService) -> RelyingParty:
    """Return the same browser, whose requests another replica answers from now on."""
    return RelyingParty(to, Edge(to, cookies=party.browser.cookies))


def is_signed_in(browser: Edge, at: IdentityService) -> bool:
    return "You are signed in" in Edge(at, cookies=browser.cookies).get("/demo").text


def published(at: IdentityService) -> set[str]:
    return {key["kid"] for key in at.client().simulate_get("/oauth2/jwks").json["keys"]}


def test_what_the_snapshot_minted_ends_and_what_others_minted_goes_on(service, candidate) -> None:
    ada, bob = signed_in(candidate), signed_in(service, "bob@example.org")
    of_ada, of_bob = ada.tokens(), bob.tokens()
    unused = ada.code()
    answer = revoke(service)
    assert answer.status_code == 200, answer.text
    assert answer.json == {
        "snapshot": CANARY,
        "keys": 1,
        "sessions": 1,
        "families": 1,
        "codes": 1,
        "users": 1,
    }
    assert not is_signed_in(ada.browser, service)
    assert ada.userinfo(of_ada["access_token"], at=service).status_code == 401
    assert ada.refresh(of_ada["refresh_token"], at=service).status_code == 400
    assert ada.redeem(unused, at=service).status_code == 400
    assert decoded(of_ada["access_token"], 0)["kid"] not in published(service)
    assert is_signed_in(bob.browser, service)
    assert bob.userinfo(of_bob["access_token"]).status_code == 200
    assert bob.refresh(of_bob["refresh_token"]).status_code == 200


def test_a_grant_of_last_good_ends_where_the_snapshot_had_a_part_in_it(service, candidate) -> None:
    by_session = moved(signed_in(candidate), service).tokens()
    bob = signed_in(service, "bob@example.org")
    by_refresh = bob.refresh(bob.tokens()["refresh_token"], at=candidate).json
    by_code = bob.redeem(moved(bob, candidate).code()).json
    untouched = bob.tokens()
    told = revoke(service).json
    assert (told["sessions"], told["families"], told["users"]) == (1, 3, 2)
    for tokens in (by_session, by_refresh, by_code):
        assert bob.refresh(tokens["refresh_token"]).status_code == 400
        assert bob.userinfo(tokens["access_token"]).status_code == 401
    assert is_signed_in(bob.browser, service), "last good had asked for the password"
    assert bob.userinfo(untouched["access_token"]).status_code == 200


def test_the_guards_own_accounts_end_too_and_are_no_users(service, candidate) -> None:
    service.add_user("probe@example.org", probe=True)
    probe = signed_in(candidate, "probe@example.org")
    tokens = probe.tokens()
    assert revoke(service).json == {"snapshot": CANARY, **NOTHING, "keys": 1}
    assert probe.refresh(tokens["refresh_token"], at=service).status_code == 400


def test_asking_again_tells_what_was_done_and_does_nothing(service, candidate) -> None:
    signed_in(candidate).tokens()
    second = service.replica(name="identity-second")
    first = revoke(service).json
    signed_in(candidate, "bob@example.org")
    assert revoke(second).json == first
    assert revoke(service).json == first
    (entry,) = entries(service)
    assert entry["subject"] == CANARY
    assert entry["details"] == {
        **{name: first[name] for name in NOTHING},
        "reason": "It mints for the wrong people.",
    }
    another = revoke(service, "r-2").json
    assert (another["keys"], another["sessions"], another["users"]) == (0, 1, 1)


def test_all_of_it_happens_or_nothing(service, candidate, monkeypatch) -> None:
    ada = signed_in(candidate)
    tokens = ada.tokens()

    def dies(*_: object, **__: object) -> bool:
        raise RuntimeError("killed before the commit")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "append", dies)
        assert revoke(service).status_code == 500
    service.clock.advance(CACHE_SECONDS_MAX + 1)
    assert is_signed_in(ada.browser, service)
    assert ada.userinfo(tokens["access_token"], at=service).status_code == 200
    assert revoke(service).json["users"] == 1


def test_an_applications_own_token_is_refused_by_every_replica_that_was_asked(
    service, candidate
) -> None:
    second = service.replica(name="identity-second")
    secret = service.add_client(
        "machine", redirect_uris=[], public=False, grants=["client_credentials"]
    )["client_secret"]

    def ask(at: IdentityService, path: str, form: dict[str, str]) -> Any:
        return at.edge().request("POST", path, form=form, headers=basic("machine", secret)).json

    token = ask(candidate, "/oauth2/token", {"grant_type": "client_credentials"})["access_token"]
    for replica in (service, second):
        assert ask(replica, "/oauth2/introspect", {"token": token})["active"]
    for replica in (service, second):
        assert revoke(replica).status_code == 200
        assert not ask(replica, "/oauth2/introspect", {"token": token})["active"]


def test_the_process_that_minted_wrongly_never_signs_again(service, candidate) -> None:
    ada = signed_in(candidate)
    ada.tokens()
    revoke(service)
    code = RelyingParty(service, signed_in(service).browser).code()
    for _ in range(5):
        candidate.clock.advance(CACHE_SECONDS_MAX + 1)
        candidate.identity.look_after_keys()
        refused = ada.redeem(code, at=candidate)
        assert refused.status_code == 503
        assert outcome_of(refused) == Outcome.KEY_UNKNOWN.value
        assert not candidate.identity.is_ready()
    again = service.replica(name="identity-again", snapshot=CANARY)
    assert signed_in(again).tokens()["access_token"], "started anew it has a key of its own"


def test_a_scheduled_rotation_is_no_way_round_it(service) -> None:
    canary = service.replica(name="identity-candidate", snapshot=CANARY, key_rotation_days=1)
    signed_in(canary).tokens()
    revoke(service)
    # Its copy of the keys is as old as it may be, and its key is due.
    canary.clock.advance(86_400)
    before = published(service)
    canary.identity.look_after_keys()
    with service.store.read() as connection:
        held = connection.execute(
            text("SELECT kid FROM signing_keys WHERE snapshot = :s AND retired_at IS NULL"),
            {"s": CANARY},
        ).all()
    assert (held, before & published(canary)) == ([], before)


def test_what_is_refused_ends_nothing(service) -> None:
    ada, own = signed_in(service), service.configuration.snapshot
    path = f"/admin/snapshots/{CANARY}/revoke"
    for body in ({}, {"order": ""}, {"order": 5}, {"order": "r", "more": 1}, [], "r"):
        answer = service.admin("POST", path, body)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), body
    assert service.admin("POST", path, {"order": "r"}, token="wrong").status_code == 401
    assert service.edge().request("POST", path).status_code == 404, "not through the edge"
    answer = revoke(service, snapshot=own)
    assert answer.status_code == 409
    assert own in answer.json["message"]
    assert entries(service) == []
    assert is_signed_in(ada.browser, service)


def test_where_nothing_was_minted_nothing_ends(service) -> None:
    assert revoke(service, snapshot="s-never").json == {"snapshot": "s-never", **NOTHING}
