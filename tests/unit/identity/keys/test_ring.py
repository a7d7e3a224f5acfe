"""What a replica knows of the published keys, with the store there and away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.signing import Signer, SigningUnavailableError
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sealing.key_files import StoreKeyError
from ostiary.identity.sealing.sealed_columns import PRIVATE_KEYS
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.identity.store.schema import signing_keys as table
from tests.fakes.clock import FakeClock
from tests.identity_app import counted_statements
from tests.store_keys import make_sealer
from tests.unit.identity.keys.conftest import OpenRing


def kids(ring: KeyRing) -> set[str]:
    return {entry["kid"] for entry in json.loads(ring.jwks())["keys"]}


@contextmanager
def away(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Take the store away, and note how often it was tried."""
    tried: list[str] = []

    def refuse(**_options: object) -> object:
        tried.append("transaction")
        raise StoreUnavailableError("gone")

    with monkeypatch.context() as patch:
        for name in ("read", "write"):
            patch.setattr(store, name, refuse)
        yield tried


def test_keys_are_read_from_the_store_once_in_five_seconds(
    clock: FakeClock, open_ring: OpenRing
) -> None:
    ring = open_ring()
    with counted_statements() as statements:
        for _ in range(50):
            ring.jwks()
            clock.advance(0.1)
    assert len(statements.reads) == 0
    clock.advance(0.1)
    with counted_statements() as statements:
        ring.jwks()
        ring.jwks()
    assert len(statements.reads) == 1


def test_a_new_key_appears_within_five_seconds(clock: FakeClock, open_ring: OpenRing) -> None:
    ring = open_ring("s-1")
    before = kids(ring)
    open_ring("s-2")
    clock.advance(5.1)
    assert before < kids(ring)


def test_a_revoked_key_disappears_and_its_snapshot_signs_with_another(
    store: Store, clock: FakeClock, open_ring: OpenRing, signing_keys: SigningKeys
) -> None:
    ring, other = open_ring("s-1"), open_ring("s-2")
    kid = ring.signer().kid
    with store.write() as connection:
        assert signing_keys.revoke(connection, kid, now=1)
        assert not signing_keys.revoke(connection, kid, now=1)
    clock.advance(5.1)
    assert kid not in kids(other)
    assert other.find(kid) is None
    assert ring.signer().kid in kids(ring) - {kid}


def test_a_snapshot_without_its_key_says_so_until_the_next_one_is_old_enough(
    store: Store, clock: FakeClock, open_ring: OpenRing, signing_keys: SigningKeys
) -> None:
    rings = [open_ring(f"s-{number}") for number in range(8)]
    with store.write() as connection:
        signing_keys.revoke(connection, rings[0].signer().kid, now=1)
    clock.advance(5.1)
    with pytest.raises(SigningUnavailableError) as caught:
        rings[0].signer()
    assert caught.value.outcome == "key_unknown"
    assert caught.value.status == 503
    assert not rings[0].is_ready()
    clock.advance(60)
    assert rings[0].is_ready()


def test_a_key_that_is_no_longer_published_signs_nothing(
    store: Store,
    clock: FakeClock,
    open_ring: OpenRing,
    signing_keys: SigningKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = open_ring("s-1")
    claims = KeyClaims(store, signing_keys, clock, snapshot="s-1", jwks_max_age_seconds=60)
    claims.replace(ring.signer().kid, at_once=True)
    with store.write() as connection:
        signing_keys.revoke(connection, ring.signer().kid, now=1)
    clock.advance(5.1)
    with monkeypatch.context() as patch:
        # The key that takes its place does not open, so that the replica keeps the one it had.
        patch.setattr(signing_keys, "find_held_by", _does_not_open)
        with counted_statements() as statements:
            for _ in range(5):
                with pytest.raises(SigningUnavailableError) as caught:
                    ring.signer()
        assert caught.value.outcome == "key_unknown"
        assert len(statements.reads) == 1
    clock.advance(5.1)
    assert ring.signer().kid in kids(ring)


def _does_not_open(*_: object) -> object:
    raise StoreKeyError("store_key_wrong", "The store key opens nothing.")


def test_a_key_that_does_not_load_leaves_the_replica_not_ready(
    store: Store,
    tmp_path: Path,
    open_ring: OpenRing,
    signing_keys: SigningKeys,
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_ring("s-1")
    with store.write() as connection:
        held = signing_keys.find_held_by(connection, "s-1")
        assert held is not None
        broken = {**held.private_jwk, "d": "AA" + held.private_jwk["d"]}
        sealed = make_sealer(tmp_path).seal(
            PRIVATE_KEYS.place(held.kid), json.dumps(broken).encode()
        )
        connection.execute(
            update(table).where(table.c.kid == held.kid).values(private_jwk_sealed=sealed)
        )
    ring = open_ring("s-1")
    assert not ring.is_ready()
    with pytest.raises(SigningUnavailableError):
        ring.signer()
    assert held.private_jwk["d"] not in capsys.readouterr().out


def test_a_key_pair_that_does_not_fit_together_is_told_as_a_bad_signature(
    store: Store, open_ring: OpenRing, signing_keys: SigningKeys
) -> None:
    open_ring("s-1"), open_ring("s-2")
    with store.read() as connection:
        one = signing_keys.find_held_by(connection, "s-1")
        other = signing_keys.find_held_by(connection, "s-2")
    assert one is not None
    assert other is not None
    mixed = replace(one, public_jwk=other.public_jwk)
    with pytest.raises(SigningUnavailableError) as caught:
        Signer(mixed)
    assert caught.value.outcome == "bad_signature"


def test_private_keys_do_not_show_in_texts(
    store: Store, open_ring: OpenRing, signing_keys: SigningKeys
) -> None:
    ring = open_ring("s-1")
    with store.read() as connection:
        held = signing_keys.find_held_by(connection, "s-1")
    assert held is not None
    secret = held.private_jwk["d"]
    assert secret not in repr(held)
    assert secret not in ring.jwks().decode()
    assert secret not in repr(ring.signer().__dict__)


def test_known_keys_go_on_serving_while_the_store_is_away(
    store: Store, clock: FakeClock, open_ring: OpenRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = open_ring()
    known = kids(ring)
    with away(store, monkeypatch) as tried:
        for _ in range(400):
            clock.advance(1)
            assert kids(ring) == known
            assert ring.is_ready()
        assert ring.find(ring.signer().kid) is not None
    assert len(tried) < 100


def test_while_the_store_is_away_an_unknown_key_is_refused_as_long_as_it_cannot_exist(
    store: Store, clock: FakeClock, open_ring: OpenRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = open_ring()
    with away(store, monkeypatch):
        clock.advance(30)
        assert ring.find("nobody's") is None
        clock.advance(31)
        with pytest.raises(StoreUnavailableError):
            ring.find("nobody's")
        with pytest.raises(StoreUnavailableError):
            ring.find("nobody's")


def test_unknown_keys_are_looked_up_at_most_once_a_second(
    clock: FakeClock, open_ring: OpenRing
) -> None:
    ring = open_ring()
    clock.advance(2)
    with counted_statements() as statements:
        for number in range(100):
            assert ring.find(f"forged-{number}") is None
    assert len(statements.reads) == 1


def test_a_key_that_another_replica_published_is_found_by_its_first_token(
    clock: FakeClock, open_ring: OpenRing
) -> None:
    ring = open_ring("s-1")
    clock.advance(1)
    open_ring("s-2")
    clock.advance(1)
    fresh = kids(open_ring("s-2")) - kids(ring)
    assert fresh
    assert all(ring.find(kid) is not None for kid in fresh)


def test_a_key_of_a_newer_release_is_published_but_not_verified_with(
    store: Store, open_ring: OpenRing
) -> None:
    with store.write() as connection:
        connection.execute(
            table.insert().values(
                kid="future",
                algorithm="ML-DSA-44",
                public_jwk={"kid": "future", "kty": "AKP", "alg": "ML-DSA-44"},
                published_at=1,
                genesis=False,
            )
        )
    ring = open_ring("s-1")
    assert "future" in kids(ring)
    assert ring.find("future") is None
