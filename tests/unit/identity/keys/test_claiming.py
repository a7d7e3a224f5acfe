"""Which key a snapshot may sign with, and when."""

import json
from collections.abc import Callable

import pytest

from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.model import PublishedKey
from ostiary.identity.keys.pool import CACHE_SECONDS_MAX, NEXT_KEYS, choose_key
from ostiary.identity.keys.signing import SigningUnavailableError
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import to_unix
from tests.fakes.clock import FakeClock
from tests.unit.identity.keys.conftest import OpenRing


def key(kid: str, **changes: object) -> PublishedKey:
    values: dict[str, object] = {
        "kid": kid,
        "algorithm": "ES256",
        "public_jwk": {},
        "snapshot": None,
        "published_at": 1000,
        "genesis": False,
        **changes,
    }
    return PublishedKey(**values)  # type: ignore[arg-type]


@pytest.fixture
def published(store: Store, signing_keys: SigningKeys) -> Callable[[], list[PublishedKey]]:
    def read() -> list[PublishedKey]:
        with store.read() as connection:
            return signing_keys.list_published(connection)

    return read


@pytest.mark.parametrize(("now", "chosen"), [(1064, None), (1065, "a")])
def test_a_next_key_is_claimable_when_no_copy_of_the_jwks_can_lack_it(
    now: int, chosen: str | None
) -> None:
    found = choose_key([key("a")], "ES256", jwks_max_age_seconds=60, now=now)
    assert (found and found.kid) == chosen


def test_the_longest_max_age_that_any_snapshot_served_decides() -> None:
    keys = [key("old", snapshot="s-0", jwks_max_age_seconds=600), key("a")]
    assert (
        choose_key(keys, "ES256", jwks_max_age_seconds=60, now=1000 + 600 + CACHE_SECONDS_MAX - 1)
        is None
    )
    assert choose_key(keys, "ES256", jwks_max_age_seconds=60, now=1000 + 600 + CACHE_SECONDS_MAX)


def test_a_genesis_key_is_claimable_at_once() -> None:
    found = choose_key([key("a", genesis=True)], "ES256", jwks_max_age_seconds=60, now=1000)
    assert found is not None


@pytest.mark.parametrize("changes", [{"snapshot": "s-0"}, {"algorithm": "EdDSA"}])
def test_a_claimed_key_and_one_of_another_algorithm_are_not_claimable(
    changes: dict[str, object],
) -> None:
    keys = [key("a", genesis=True, **changes)]
    assert choose_key(keys, "ES256", jwks_max_age_seconds=60, now=9999) is None


def test_the_oldest_key_comes_first() -> None:
    keys = [key("a", published_at=1), key("b", published_at=2)]
    found = choose_key(keys, "ES256", jwks_max_age_seconds=60, now=9999)
    assert found is not None
    assert found.kid == "a"


def test_the_first_replica_ever_is_ready_at_once_and_publishes_three_keys_ahead(
    published: Callable[[], list[PublishedKey]], open_ring: OpenRing
) -> None:
    ring = open_ring()
    assert ring.is_ready()
    kids = {entry["kid"] for entry in json.loads(ring.jwks())["keys"]}
    assert ring.signer().kid in kids
    assert sum(one.is_next for one in published()) == NEXT_KEYS


def test_keys_that_a_clock_far_ahead_published_wait_for_nobody(
    store: Store,
    clock: FakeClock,
    open_ring: OpenRing,
    signing_keys: SigningKeys,
    published: Callable[[], list[PublishedKey]],
) -> None:
    ahead = FakeClock()
    ahead.advance(3650 * 86_400)
    KeyClaims(store, signing_keys, ahead, snapshot="s-0", jwks_max_age_seconds=60).claim()
    open_ring("s-1")
    now = to_unix(clock.now())
    assert sum(one.is_next and one.published_at <= now for one in published()) == NEXT_KEYS


def test_replicas_of_a_snapshot_share_a_key_and_snapshots_do_not(open_ring: OpenRing) -> None:
    first, beside, other = open_ring("s-1"), open_ring("s-1"), open_ring("s-2")
    assert first.signer().kid == beside.signer().kid
    assert first.signer().kid != other.signer().kid


def test_every_key_that_signs_was_in_the_jwks_before_it_was_claimed(open_ring: OpenRing) -> None:
    served = {entry["kid"] for entry in json.loads(open_ring("s-1").jwks())["keys"]}
    assert open_ring("s-2").signer().kid in served
    assert open_ring("s-3").signer().kid in served


def test_a_snapshot_waits_until_a_key_is_old_enough(clock: FakeClock, open_ring: OpenRing) -> None:
    for number in range(NEXT_KEYS):
        assert open_ring(f"s-{number}").is_ready()
    late = open_ring("s-late")
    assert not late.is_ready()
    with pytest.raises(SigningUnavailableError) as caught:
        late.signer()
    assert caught.value.outcome == "signing_failed"
    clock.advance(60)
    assert not late.is_ready()
    clock.advance(5)
    assert late.is_ready()


def test_waiting_asks_the_store_at_most_once_a_second(
    store: Store, clock: FakeClock, open_ring: OpenRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(NEXT_KEYS):
        open_ring(f"s-{number}")
    late = open_ring("s-late")
    asked: list[float] = []
    claim = late._claims.claim
    monkeypatch.setattr(
        late._claims, "claim", lambda **how: asked.append(clock.monotonic()) or claim(**how)
    )
    for _ in range(20):
        late.is_ready()
        clock.advance(0.25)
    assert len(asked) == 4


def test_a_restarted_replica_keeps_its_key_and_writes_nothing(
    published: Callable[[], list[PublishedKey]], open_ring: OpenRing
) -> None:
    before = open_ring().signer().kid
    keys = published()
    assert open_ring().signer().kid == before
    assert published() == keys
