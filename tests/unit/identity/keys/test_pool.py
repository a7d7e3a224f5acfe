"""The keys that wait: for each algorithm enough of them, and none that is taken too early."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.pool import NEXT_KEYS, OTHER_NEXT_KEYS
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store
from tests.fakes.clock import FakeClock
from tests.identity_app import IdentityService, build_identity

ROUNDS = 20


@pytest.fixture
def service(tmp_path: Path):
    built = build_identity(tmp_path)
    yield built
    built.close()


def waiting(service: IdentityService) -> Counter[str]:
    keys = service.admin("GET", "/admin/keys").json["keys"]
    return Counter(key["algorithm"] for key in keys if key["state"] == "next")


def look_after(service: IdentityService, rounds: int = ROUNDS) -> None:
    for _ in range(rounds):
        service.clock.advance(5)
        service.identity.look_after_keys()


def claims_of(
    store: Store, keys: SigningKeys, clock: FakeClock, snapshot: str, **options: Any
) -> KeyClaims:
    return KeyClaims(store, keys, clock, snapshot=snapshot, jwks_max_age_seconds=60, **options)


def test_a_replica_that_starts_makes_no_keys_of_other_algorithms(service: IdentityService) -> None:
    service.identity.look_after_keys()
    service.clock.advance(3.9)
    service.identity.look_after_keys()
    assert waiting(service) == {"ES256": NEXT_KEYS}


def test_a_little_later_keys_of_every_algorithm_wait_and_then_no_more_are_made(
    service: IdentityService,
) -> None:
    service.clock.advance(4)
    service.identity.look_after_keys()
    assert waiting(service).total() == NEXT_KEYS + 1
    look_after(service)
    full = {"ES256": NEXT_KEYS, "RS256": OTHER_NEXT_KEYS, "EdDSA": OTHER_NEXT_KEYS}
    assert waiting(service) == full
    look_after(service, rounds=3)
    assert waiting(service) == full


def test_it_is_said_when_each_algorithm_could_be_signed_with(service: IdentityService) -> None:
    def said() -> dict[str, int]:
        return dict(service.admin("GET", "/admin/keys").json["claimable_in_seconds"])

    assert said() == {"ES256": 0}
    service.clock.advance(4)
    service.identity.look_after_keys()
    assert said() == {"ES256": 0, "RS256": 65}
    service.clock.advance(25)
    assert said() == {"ES256": 0, "RS256": 40}
    service.clock.advance(60)
    assert said() == {"ES256": 0, "RS256": 0}


@pytest.mark.parametrize("algorithm", Algorithm)
def test_the_first_start_signs_with_the_algorithm_of_its_settings(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    built = build_identity(tmp_path, signing_algorithm=algorithm.value)
    assert built.identity.is_ready()
    own = [key for key in built.admin("GET", "/admin/keys").json["keys"] if key["snapshot"]]
    assert [key["algorithm"] for key in own] == [algorithm.value]
    look_after(built)
    assert waiting(built) == {
        one.value: NEXT_KEYS if one is algorithm else OTHER_NEXT_KEYS for one in Algorithm
    }
    built.close()


def test_a_change_of_algorithm_takes_a_key_that_everybody_knows(service: IdentityService) -> None:
    look_after(service)
    known = {key["kid"] for key in service.client().simulate_get("/oauth2/jwks").json["keys"]}
    other = service.replica(name="other", snapshot="s-rs", signing_algorithm="RS256")
    beside = service.replica(name="beside", snapshot="s-rs", signing_algorithm="RS256")
    assert other.identity.is_ready()
    assert beside.identity.is_ready()
    assert dict(other.identity.waiting()) == {}
    own = [
        key for key in service.admin("GET", "/admin/keys").json["keys"] if key["snapshot"] == "s-rs"
    ]
    assert [(key["algorithm"], key["kid"] in known) for key in own] == [("RS256", True)]


def test_a_change_of_algorithm_that_comes_too_early_says_when_it_will_be_possible(
    service: IdentityService,
) -> None:
    now = int(service.clock.now().timestamp())
    early = service.replica(name="early", snapshot="s-rs", signing_algorithm="RS256")
    assert not early.identity.is_ready()
    assert early.identity.waiting() == {
        "problem": "No RS256 key has been published for long enough to sign with.",
        "ready_at": now + 65,
    }
    service.clock.advance(64)
    assert not early.identity.is_ready()
    service.clock.advance(1)
    assert early.identity.is_ready()


def test_keys_made_at_the_same_time_do_not_overfill_the_pool(
    store: Store, signing_keys: SigningKeys, clock: FakeClock
) -> None:
    claims_of(store, signing_keys, clock, "s-1").claim()
    made = [
        claims_of(store, signing_keys, clock, "s-1").replenish(Algorithm.EDDSA) for _ in range(5)
    ]
    assert made == [True] * OTHER_NEXT_KEYS + [False] * 3


def test_a_revocation_finds_another_key_of_the_same_algorithm_at_once(
    store: Store, signing_keys: SigningKeys, clock: FakeClock
) -> None:
    own = claims_of(store, signing_keys, clock, "s-1", algorithm=Algorithm.RS256)
    held = own.claim()
    assert held is not None
    for _ in range(3):
        assert own.replace(held.kid) is None
        fresh = own.replace(held.kid, at_once=True)
        assert fresh is not None
        assert (fresh.algorithm, fresh.kid == held.kid) == ("RS256", False)
        held = fresh
