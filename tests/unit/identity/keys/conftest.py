"""Keys on a SQLite store, with a clock moved by hand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.migration import migrate
from tests.fakes.clock import FakeClock
from tests.store_keys import make_sealer

OpenRing = Callable[..., KeyRing]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'identity.db'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def signing_keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(make_sealer(tmp_path))


@pytest.fixture
def open_ring(store: Store, clock: FakeClock, signing_keys: SigningKeys) -> OpenRing:
    """Make the started key ring of a snapshot's replica."""

    def open_(snapshot: str = "s-1", *, jwks_max_age_seconds: int = 60) -> KeyRing:
        keys = signing_keys
        claims = KeyClaims(
            store, keys, clock, snapshot=snapshot, jwks_max_age_seconds=jwks_max_age_seconds
        )
        ring = KeyRing(store, keys, claims, clock, jwks_max_age_seconds=jwks_max_age_seconds)
        ring.start()
        return ring

    return open_
