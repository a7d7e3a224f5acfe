"""Rotation by schedule, on demand and in the eyes of those who cache the published keys."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import JWKRegistry, Key

from ostiary.identity.keys.lifetime import DAY, RETIRE_SECONDS, SIGN_SECONDS_MAX
from ostiary.identity.keys.pool import CACHE_SECONDS_MAX
from tests.identity_app import IdentityService, build_identity, outcome_of

MAX_AGE = 60
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def service(tmp_path: Path):
    built = build_identity(tmp_path, key_rotation_days=30)
    secret = built.add_client(
        "machine", redirect_uris=[], public=False, grants=["client_credentials"]
    )["client_secret"]
    built.add_client("owner", redirect_uris=[], public=False, grants=["client_credentials"])
    yield built, secret
    built.close()


class OutsideVerifier:
    """Somebody else's service, which keeps a JWKS for as long as it is allowed to."""

    def __init__(self, service: IdentityService) -> None:
        self.service = service
        self.loaded_at = float("-inf")
        self.keys: dict[str, Key] = {}

    def accepts(self, token: str) -> bool:
        clock = self.service.clock
        if clock.monotonic() - self.loaded_at >= MAX_AGE:
            found = self.service.client().simulate_get("/oauth2/jwks").json["keys"]
            self.keys = {entry["kid"]: JWKRegistry.import_key(entry) for entry in found}
            self.loaded_at = clock.monotonic()
        key = self.keys.get(kid_of(token))
        return key is not None and bool(jws.deserialize_compact(token, key, algorithms=["ES256"]))


def kid_of(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def mint(service: IdentityService, secret: str) -> str:
    body = f"grant_type=client_credentials&client_id=machine&client_secret={secret}"
    answer = service.client().simulate_post("/oauth2/token", body=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def is_active(service: IdentityService, secret: str, token: str) -> bool:
    body = f"token={token}&client_id=machine&client_secret={secret}"
    answer = service.client().simulate_post("/oauth2/introspect", body=body, headers=FORM)
    return bool(answer.json["active"])


def keys_by_state(service: IdentityService) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key in service.admin("GET", "/admin/keys").json["keys"]:
        found.setdefault(key["state"], []).append(key["kid"])
    return found


def test_three_replicas_rotate_once_and_nobody_ever_meets_an_unknown_key(service) -> None:
    first, secret = service
    replicas = [first, first.replica(name="second"), first.replica(name="third")]
    verifiers = [OutsideVerifier(replica) for replica in replicas]
    issued: list[tuple[float, str]] = []
    first.clock.advance(30 * DAY - 200)
    # Five minutes around the due time; at each moment another replica comes first.
    for step in range(60):
        first.clock.advance(7)
        for replica in replicas[step % 3 :] + replicas[: step % 3]:
            replica.identity.look_after_keys()
            issued.append((first.clock.monotonic(), mint(replica, secret)))
        for at, token in issued[step % 7 :: 7] + issued[-3:]:
            if first.clock.monotonic() - at < 290:
                assert all(verifier.accepts(token) for verifier in verifiers)
        assert all(is_active(replica, secret, issued[-1][1]) for replica in replicas)
    kids = list(dict.fromkeys(kid_of(token) for _, token in issued))
    assert len(kids) == 2
    states = keys_by_state(first)
    assert states["verifying"] == kids[:1]
    assert states["signing"] == kids[1:]


def test_without_a_schedule_a_key_signs_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    built = build_identity(tmp_path, key_rotation_days=0)
    for _ in range(200):
        built.clock.advance(DAY / 2)
        built.identity.look_after_keys()
    states = keys_by_state(built)
    assert (len(states["signing"]), set(states)) == (1, {"signing", "next"})
    built.close()


def test_a_replaced_key_is_retired_when_all_that_it_signed_has_expired(service) -> None:
    built, secret = service
    old = kid_of(mint(built, secret))
    built.clock.advance(30 * DAY)
    built.identity.look_after_keys()
    built.clock.advance(RETIRE_SECONDS - 60)
    built.identity.look_after_keys()
    assert keys_by_state(built)["verifying"] == [old]
    built.clock.advance(61)
    built.identity.look_after_keys()
    assert keys_by_state(built)["retired"] == [old]
    jwks = json.dumps(built.client().simulate_get("/oauth2/jwks").json)
    assert old not in jwks


def test_a_snapshot_that_comes_back_after_its_key_was_retired_gets_another(service) -> None:
    built, secret = service
    old = kid_of(mint(built, secret))
    other = built.replica(name="other", snapshot="s-0000000000bb")
    built.clock.advance(RETIRE_SECONDS + 1)
    other.identity.look_after_keys()
    assert keys_by_state(built)["retired"] == [old]
    again = built.replica(name="again")
    token = mint(again, secret)
    assert kid_of(token) != old
    built.clock.advance(CACHE_SECONDS_MAX + 0.1)
    assert is_active(other, secret, token)


def test_a_leaked_key_is_withdrawn_on_all_replicas_within_five_seconds(service) -> None:
    built, secret = service
    beside = built.replica(name="beside")
    token = mint(built, secret)
    answer = built.admin("POST", "/admin/keys/rotate", {"kid": kid_of(token), "revoke": True})
    assert answer.status_code == 200, answer.text
    assert answer.json["revoked"] is True
    assert not is_active(built, secret, token)
    built.clock.advance(CACHE_SECONDS_MAX + 0.1)
    assert not is_active(beside, secret, token)
    for replica in (built, beside):
        fresh = mint(replica, secret)
        assert kid_of(fresh) == answer.json["signing"]
        assert is_active(built, secret, fresh)


def test_rotation_on_demand_asked_twice_happens_once(service) -> None:
    built, secret = service
    token = mint(built, secret)
    body = {"kid": kid_of(token), "revoke": False}
    answers = [built.admin("POST", "/admin/keys/rotate", body).json for _ in range(2)]
    assert answers[0] == answers[1]
    assert kid_of(mint(built, secret)) == answers[0]["signing"] != kid_of(token)
    assert is_active(built, secret, token)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"kid": "nobody's"}, 404), ({"kid": 7}, 400), ({"key": "x"}, 400), ([], 400)],
)
def test_a_rotation_that_makes_no_sense_changes_nothing(service, body: object, status: int) -> None:
    built, _ = service
    before = keys_by_state(built)
    answer = built.admin("POST", "/admin/keys/rotate", body)
    assert answer.status_code == status
    assert answer.json["message"]
    assert keys_by_state(built) == before
    assert built.admin("POST", "/admin/keys/rotate", {}, token="wrong").status_code == 401


def test_another_snapshots_key_can_only_be_revoked(service) -> None:
    built, secret = service
    other = built.replica(name="other", snapshot="s-0000000000bb")
    kid = kid_of(mint(other, secret))
    assert built.admin("POST", "/admin/keys/rotate", {"kid": kid}).status_code == 409
    revoked = built.admin("POST", "/admin/keys/rotate", {"kid": kid, "revoke": True})
    assert revoked.status_code == 200
    built.clock.advance(CACHE_SECONDS_MAX + 0.1)
    assert kid_of(mint(other, secret)) not in {kid, revoked.json["signing"]}


def test_while_uses_cannot_be_noted_a_replica_signs_for_thirteen_hours_and_no_longer(
    service, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, secret = service
    mint(built, secret)

    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailableError("read-only")

    from ostiary.identity.keys.claiming import KeyClaims  # noqa: PLC0415
    from ostiary.identity.store.engine import StoreUnavailableError  # noqa: PLC0415

    monkeypatch.setattr(KeyClaims, "note_use", refuse)
    built.clock.advance(SIGN_SECONDS_MAX)
    mint(built, secret)
    built.clock.advance(CACHE_SECONDS_MAX + 1)
    body = f"grant_type=client_credentials&client_id=machine&client_secret={secret}"
    answer = built.client().simulate_post("/oauth2/token", body=body, headers=FORM)
    assert (answer.status_code, outcome_of(answer)) == (503, "signing_failed")
    monkeypatch.undo()
    built.clock.advance(CACHE_SECONDS_MAX + 1)
    assert mint(built, secret)
