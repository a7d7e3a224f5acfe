"""Sealed columns of a real store: checked at start, and sealed anew as one."""

import os
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sealing.key_files import StoreKeyError, StoreKeyFiles
from ostiary.identity.sealing.sealed_columns import require_openable, seal_anew
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.sealing.server_secrets import read_or_create
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import server_secrets, signing_keys
from ostiary.kernel.ids import SystemRandom
from tests.fakes.clock import FakeClock
from tests.store_keys import make_sealer


@pytest.fixture
def filled(store: Store, tmp_path: Path) -> tuple[str, bytes]:
    """Put a key and a secret into the store; return the key's id and the secret."""
    sealer = make_sealer(tmp_path)
    keys = SigningKeys(sealer)
    held = KeyClaims(store, keys, FakeClock(), snapshot="s-1", jwks_max_age_seconds=60).claim()
    assert held is not None
    return held.kid, read_or_create(store, sealer, "csrf", SystemRandom())


def put_another_key(directory: Path, *, keep: bool) -> Sealer:
    file = directory / "store.key"
    if keep:
        (directory / "store.key.previous").write_bytes(file.read_bytes())
    file.write_text(urlsafe_b64encode(os.urandom(32)).decode())
    return Sealer(StoreKeyFiles(file))


def sealed_values(store: Store) -> set[str]:
    with store.read() as connection:
        values = [
            *connection.execute(select(signing_keys.c.private_jwk_sealed)).scalars(),
            *connection.execute(select(server_secrets.c.value_sealed)).scalars(),
        ]
    return set(values)


def test_everything_is_sealed_anew_and_opens_without_the_key_before(
    store: Store, tmp_path: Path, filled: tuple[str, bytes]
) -> None:
    kid, secret = filled
    before = sealed_values(store)
    sealer = put_another_key(tmp_path, keep=True)
    assert seal_anew(store, sealer) == len(before)
    assert seal_anew(store, sealer) == 0
    (tmp_path / "store.key.previous").unlink()
    alone = Sealer(StoreKeyFiles(tmp_path / "store.key"))
    require_openable(store, alone)
    assert not before & sealed_values(store)
    assert read_or_create(store, alone, "csrf", SystemRandom()) == secret
    with store.read() as connection:
        held = SigningKeys(alone).find_held_by(connection, "s-1")
    assert held is not None
    assert held.kid == kid


def test_with_another_key_nothing_is_opened_or_changed(
    store: Store, tmp_path: Path, filled: tuple[str, bytes]
) -> None:
    before = sealed_values(store)
    other = put_another_key(tmp_path, keep=False)
    for call in (
        lambda: require_openable(store, other),
        lambda: seal_anew(store, other),
        lambda: read_or_create(store, other, "csrf", SystemRandom()),
    ):
        with pytest.raises(StoreKeyError) as caught:
            call()
        assert caught.value.code == "store_key_wrong"
    assert sealed_values(store) == before


def test_a_private_key_in_another_row_does_not_open(
    store: Store, tmp_path: Path, filled: tuple[str, bytes]
) -> None:
    kid, _ = filled
    with store.write() as connection:
        other = connection.execute(
            select(signing_keys.c.private_jwk_sealed).where(signing_keys.c.kid != kid).limit(1)
        ).scalar_one()
        connection.execute(
            update(signing_keys).where(signing_keys.c.kid == kid).values(private_jwk_sealed=other)
        )
    with store.read() as connection, pytest.raises(StoreKeyError) as caught:
        SigningKeys(make_sealer(tmp_path)).find_held_by(connection, "s-1")
    assert caught.value.code == "sealed_value_damaged"


def test_replicas_that_need_a_secret_at_once_get_the_same(store: Store, tmp_path: Path) -> None:
    sealer = make_sealer(tmp_path)
    found = {read_or_create(store, sealer, "new", SystemRandom()) for _ in range(3)}
    assert len(found) == 1
    assert len(found.pop()) >= 32
