"""What `SigningKeys` and `KeyClaims` promise, on every store."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.lifetime import RETIRE_SECONDS
from ostiary.identity.keys.model import PublishedKey
from ostiary.identity.keys.pool import NEXT_KEYS
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.schema import signing_keys as table
from tests.conformance.identity_rows import NOW
from tests.conformance.long_waits import long_waits
from tests.fakes.clock import FakeClock
from tests.store_keys import make_sealer

Published = Callable[[], list[PublishedKey]]
Claims = Callable[..., KeyClaims]

CLAIM = """
import sys
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.engine import open_store
from ostiary.kernel.clock import SystemClock
from pathlib import Path
from tests.conformance.long_waits import long_waits

with long_waits():
    store = open_store(sys.argv[1])
    keys = SigningKeys(Sealer(StoreKeyFiles(Path(sys.argv[3]))))
    sys.stdin.readline()
    claims = KeyClaims(store, keys, SystemClock(), snapshot=sys.argv[2], jwks_max_age_seconds=60)
    held = claims.claim()
    print(held.kid if held else "none", flush=True)
    sys.stdin.readline()
    held = claims.replace(held.kid)
    print(held.kid if held else "none", flush=True)
"""


@pytest.fixture
def signing_keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(make_sealer(tmp_path))


@pytest.fixture
def published(store: Store, signing_keys: SigningKeys) -> Published:
    def read() -> list[PublishedKey]:
        with store.read() as connection:
            return signing_keys.list_published(connection)

    return read


@pytest.fixture
def claims(store: Store, signing_keys: SigningKeys) -> Claims:
    def make(
        snapshot: str, clock: FakeClock | None = None, other_store: Store | None = None
    ) -> KeyClaims:
        used, clock = other_store or store, clock or FakeClock()
        return KeyClaims(used, signing_keys, clock, snapshot=snapshot, jwks_max_age_seconds=60)

    return make


def test_a_store_starts_without_keys(
    store: Store, signing_keys: SigningKeys, published: Published
) -> None:
    assert published() == []
    with store.read() as connection:
        assert not signing_keys.has_any(connection)
        assert signing_keys.find_held_by(connection, "s-1") is None


def test_an_added_key_is_published_and_held_by_nobody(
    store: Store, signing_keys: SigningKeys, published: Published
) -> None:
    key = generate_key()
    with store.write() as connection:
        signing_keys.add(connection, key, now=NOW, genesis=True)
    assert published() == [
        PublishedKey(
            kid=key.kid,
            algorithm="ES256",
            public_jwk=dict(key.public_jwk),
            snapshot=None,
            published_at=NOW,
            genesis=True,
        )
    ]


def test_a_claimed_key_stays_with_its_snapshot(
    store: Store, signing_keys: SigningKeys, published: Published
) -> None:
    key = generate_key()
    for snapshot in ("s-1", "s-2"):
        with store.write() as connection:
            signing_keys.exclude_others(connection)
            if snapshot == "s-1":
                signing_keys.add(connection, key, now=NOW, genesis=False)
            signing_keys.claim(
                connection, key.kid, snapshot=snapshot, jwks_max_age_seconds=90, now=NOW
            )
    with store.read() as connection:
        held = signing_keys.find_held_by(connection, "s-1")
        assert held is not None
        assert held.private_jwk == key.private_jwk
        assert signing_keys.find_held_by(connection, "s-2") is None
    assert [(one.snapshot, one.jwks_max_age_seconds) for one in published()] == [("s-1", 90)]


def test_a_second_key_replaces_the_first_which_goes_on_verifying(
    claims: Claims, published: Published
) -> None:
    first = claims("s-1").claim()
    assert first is not None
    second = claims("s-1").replace(first.kid)
    assert second is not None
    assert (first.generation, second.generation) == (1, 2)
    assert {first.kid, second.kid} < {one.kid for one in published()}
    states = {record.kid: record.state for record in claims("s-1").records()}
    assert (states[first.kid], states[second.kid]) == ("verifying", "signing")
    assert claims("s-1").replace(first.kid) == second
    assert claims("s-1").claim() == second


@pytest.mark.parametrize("state", ["revoked", "retired"])
def test_a_retired_key_is_remembered_without_its_private_part(
    store: Store, claims: Claims, published: Published, state: str
) -> None:
    clock = FakeClock()
    held = claims("s-1", clock).claim()
    assert held is not None
    if state == "revoked":
        assert claims("s-1", clock).revoke(held.kid)
        assert not claims("s-1", clock).revoke(held.kid)
    else:
        clock.advance(RETIRE_SECONDS + 1)
        assert claims("s-1", clock).retire_unused() == 1
    assert held.kid not in {one.kid for one in published()}
    assert {r.state for r in claims("s-1").records() if r.kid == held.kid} == {state}
    with store.read() as connection:
        row = connection.execute(select(table).where(table.c.kid == held.kid)).one()
    assert row.private_jwk_sealed is None
    again = claims("s-1", clock).claim()
    assert again is not None
    assert (again.generation, again.kid != held.kid) == (2, True)


def test_a_key_whose_use_is_noted_is_not_retired(claims: Claims) -> None:
    clock = FakeClock()
    own = claims("s-1", clock)
    held = own.claim()
    assert held is not None
    clock.advance(RETIRE_SECONDS)
    own.note_use(held.kid)
    clock.advance(RETIRE_SECONDS)
    assert own.retire_unused() == 0
    assert own.claim() == held


def test_keys_added_after_the_first_start_are_no_genesis_keys(
    claims: Claims, published: Published
) -> None:
    claims("s-1").claim()
    assert Counter(one.genesis for one in published()) == {
        True: NEXT_KEYS,
        False: 1,
    }


def test_replicas_of_many_snapshots_that_start_at_once_agree(
    store: Store, claims: Claims, published: Published
) -> None:
    snapshots = ["s-1", "s-1", "s-1", "s-2", "s-2", "s-3", "s-3", "s-3"]
    barrier = threading.Barrier(len(snapshots))

    def start(snapshot: str) -> tuple[str, str]:
        own = open_store(store.engine.url.render_as_string(hide_password=False))
        barrier.wait()
        held = claims(snapshot, None, own).claim()
        own.close()
        assert held is not None
        return snapshot, held.kid

    with long_waits(), ThreadPoolExecutor(len(snapshots)) as pool:
        held = set(pool.map(start, snapshots))
    assert len(held) == 3
    assert len({kid for _, kid in held}) == 3
    assert sum(one.genesis for one in published()) == NEXT_KEYS
    assert sum(one.is_next for one in published()) == NEXT_KEYS


def test_processes_that_claim_and_rotate_at_once_agree(
    store: Store, published: Published, tmp_path: Path
) -> None:
    make_sealer(tmp_path)
    url = store.engine.url.render_as_string(hide_password=False)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, url, snapshot, str(tmp_path / "store.key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # From there they can import what belongs to the tests.
            cwd=Path(__file__).parents[2],
        )
        for snapshot in ("s-1", "s-1", "s-1", "s-2", "s-2")
    ]

    def tell(word: str) -> list[str]:
        for process in started:
            assert process.stdin is not None
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
        return [process.stdout.readline().strip() for process in started if process.stdout]

    first = tell("claim")
    assert len(set(first[:3])) == len(set(first[3:])) == 1
    assert first[0] != first[3]
    second = tell("rotate")
    for process in started:
        process.communicate(timeout=60)
    assert len(set(second[:3])) == len(set(second[3:])) == 1
    assert len({*first, *second}) == 4
    assert {*first, *second} < {one.kid for one in published()}
    assert sum(one.is_next for one in published()) == NEXT_KEYS


def test_more_snapshots_than_old_keys_leave_the_last_one_without(claims: Claims) -> None:
    clock = FakeClock()
    held = [claims(f"s-{number}", clock).claim() for number in range(NEXT_KEYS + 2)]
    assert [key is None for key in held] == [False] * NEXT_KEYS + [True, True]
    clock.advance(65)
    assert claims(f"s-{NEXT_KEYS}", clock).claim() is not None
    assert claims(f"s-{NEXT_KEYS + 1}", clock).claim() is not None


def test_without_an_old_next_key_only_a_revocation_rotates(claims: Claims) -> None:
    clock = FakeClock()
    held = [claims(f"s-{number}", clock).claim() for number in range(NEXT_KEYS)]
    last = held[-1]
    assert last is not None
    own = claims(f"s-{NEXT_KEYS - 1}", clock)
    assert own.replace(last.kid) is None
    assert own.claim() == last
    fresh = own.replace(last.kid, at_once=True)
    assert fresh is not None
    assert fresh.kid != last.kid
