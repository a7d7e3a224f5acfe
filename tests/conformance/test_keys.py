"""What `SigningKeys` and `KeyClaims` promise, on every store."""

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from ostiary.identity.keys.claiming import NEXT_KEYS, KeyClaims
from ostiary.identity.keys.generation import generate_key
from ostiary.identity.keys.model import HeldKey, PublishedKey
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store, open_store
from tests.conformance.identity_rows import NOW
from tests.fakes.clock import FakeClock

CLAIM = """
import sys
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import open_store
from ostiary.kernel.clock import SystemClock

store = open_store(sys.argv[1])
sys.stdin.readline()
claims = KeyClaims(store, SigningKeys(), SystemClock(), snapshot=sys.argv[2],
                   jwks_max_age_seconds=60)
held = claims.claim()
print(held.kid if held else "none")
"""


def published(store: Store) -> list[PublishedKey]:
    with store.read() as connection:
        return SigningKeys().list_published(connection)


def claim(store: Store, snapshot: str, clock: FakeClock | None = None) -> HeldKey | None:
    claims = KeyClaims(
        store, SigningKeys(), clock or FakeClock(), snapshot=snapshot, jwks_max_age_seconds=60
    )
    return claims.claim()


def test_a_store_starts_without_keys(store: Store) -> None:
    with store.read() as connection:
        assert not SigningKeys().has_any(connection)
        assert SigningKeys().list_published(connection) == []
        assert SigningKeys().find_held_by(connection, "s-1") is None


def test_an_added_key_is_published_and_held_by_nobody(store: Store) -> None:
    key = generate_key()
    with store.write() as connection:
        SigningKeys().add(connection, key, now=NOW, genesis=True)
    assert published(store) == [
        PublishedKey(
            kid=key.kid,
            algorithm="ES256",
            public_jwk=dict(key.public_jwk),
            snapshot=None,
            published_at=NOW,
            genesis=True,
        )
    ]


def test_a_claimed_key_stays_with_its_snapshot(store: Store) -> None:
    key = generate_key()
    for snapshot in ("s-1", "s-2"):
        with store.write() as connection:
            SigningKeys().exclude_others(connection)
            if snapshot == "s-1":
                SigningKeys().add(connection, key, now=NOW, genesis=False)
            SigningKeys().claim(
                connection, key.kid, snapshot=snapshot, jwks_max_age_seconds=90, now=NOW
            )
    with store.read() as connection:
        held = SigningKeys().find_held_by(connection, "s-1")
        assert held is not None
        assert held.private_jwk == key.private_jwk
        assert SigningKeys().find_held_by(connection, "s-2") is None
    assert [(one.snapshot, one.jwks_max_age_seconds) for one in published(store)] == [("s-1", 90)]


def test_a_retired_key_is_remembered_but_not_published(store: Store) -> None:
    held = claim(store, "s-1")
    with store.write() as connection:
        assert SigningKeys().retire(connection, "s-1", now=NOW)
    assert held is not None
    assert held.kid not in {one.kid for one in published(store)}
    again = claim(store, "s-1")
    assert again is not None
    assert (again.kid, again.retired) == (held.kid, True)


def test_keys_added_after_the_first_start_are_no_genesis_keys(store: Store) -> None:
    claim(store, "s-1")
    assert Counter(one.genesis for one in published(store)) == {
        True: NEXT_KEYS,
        False: 1,
    }


def test_replicas_of_many_snapshots_that_start_at_once_agree(store: Store) -> None:
    snapshots = ["s-1", "s-1", "s-1", "s-2", "s-2", "s-3", "s-3", "s-3"]
    barrier = threading.Barrier(len(snapshots))

    def start(snapshot: str) -> tuple[str, str]:
        own = open_store(store.engine.url.render_as_string(hide_password=False))
        barrier.wait()
        held = claim(own, snapshot)
        own.close()
        assert held is not None
        return snapshot, held.kid

    with ThreadPoolExecutor(len(snapshots)) as pool:
        held = set(pool.map(start, snapshots))
    assert len(held) == 3
    assert len({kid for _, kid in held}) == 3
    assert sum(one.genesis for one in published(store)) == NEXT_KEYS
    assert sum(one.is_next for one in published(store)) == NEXT_KEYS


def test_processes_that_start_at_once_agree(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, url, snapshot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for snapshot in ("s-1", "s-1", "s-2", "s-2")
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    kids = [process.communicate(timeout=60)[0].strip() for process in started]
    assert "none" not in kids
    assert kids[0] == kids[1]
    assert kids[2] == kids[3]
    assert kids[0] != kids[2]
    assert sum(one.is_next for one in published(store)) == NEXT_KEYS


def test_more_snapshots_than_old_keys_leave_the_last_one_without(store: Store) -> None:
    clock = FakeClock()
    held = [claim(store, f"s-{number}", clock) for number in range(NEXT_KEYS + 2)]
    assert [key is None for key in held] == [False] * NEXT_KEYS + [True, True]
    clock.advance(65)
    assert claim(store, f"s-{NEXT_KEYS}", clock) is not None
    assert claim(store, f"s-{NEXT_KEYS + 1}", clock) is not None
