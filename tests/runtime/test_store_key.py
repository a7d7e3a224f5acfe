"""The store key of a data directory: made once, never by mistake, and replaced without a gap."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealed_columns import SERVER_SECRETS
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.sealing.server_secrets import read_or_create
from ostiary.identity.store.engine import open_store
from ostiary.identity.store.migration import migrate
from ostiary.identity.store.schema import server_secrets
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime import maintenance_process, store_key
from ostiary.runtime.data_directory import DataDirectory


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """A data directory that was used: it has a journal and an account store with a secret."""
    made = DataDirectory(tmp_path / "data")
    made.prepare(SystemRandom())
    made.journal.touch()
    with_store(made, lambda store, sealer: read_or_create(store, sealer, "csrf", SystemRandom()))
    return made


def database_url(data: DataDirectory) -> str:
    return f"sqlite:///{data.path / 'identity.db'}"


def with_store(data: DataDirectory, use: Callable):
    store = open_store(database_url(data))
    migrate(store)
    try:
        return use(store, Sealer(StoreKeyFiles(data.store_key_file)))
    finally:
        store.close()


def secret_of(data: DataDirectory) -> bytes:
    """Return the secret, opened with the keys that are there now."""
    return with_store(
        data, lambda store, sealer: read_or_create(store, sealer, "csrf", SystemRandom())
    )


def rotate(data: DataDirectory) -> dict[str, object]:
    return store_key.rotate(
        data.path,
        SystemRandom(),
        lambda file: maintenance_process.seal(database_url(data), str(file)),
    )


def test_the_key_is_closed_to_others_and_stays(data: DataDirectory) -> None:
    key = data.store_key_file
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    data.prepare(SystemRandom())
    assert key.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "store_key_missing"),
        ("short", "store_key_invalid"),
        ("A" * 43, "store_key_wrong"),
    ],
)
def test_without_the_right_key_nothing_starts_and_nothing_is_made(
    data: DataDirectory, content: str | None, code: str
) -> None:
    data.store_key_file.unlink()
    if content is not None:
        data.store_key_file.write_text(content)
    with pytest.raises(RefusedError) as caught:
        data.prepare(SystemRandom())
    assert (caught.value.code, int(caught.value.exit_code)) == (code, 3)
    assert data.store_key_file.exists() == (content is not None)
    assert not content or content not in str(caught.value)


def test_a_key_that_is_kept_elsewhere_is_remembered_but_not_made(
    tmp_path: Path, data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "kept" / "key"
    monkeypatch.setenv("OSTIARY_STORE_KEY_FILE", str(elsewhere))
    fresh = DataDirectory(tmp_path / "fresh")
    with pytest.raises(RefusedError) as caught:
        fresh.prepare(SystemRandom())
    assert caught.value.code == "store_key_missing"
    elsewhere.parent.mkdir()
    (data.path / "secrets" / "store.key").rename(elsewhere)
    data.prepare(SystemRandom())
    monkeypatch.delenv("OSTIARY_STORE_KEY_FILE")
    assert data.store_key_file == elsewhere
    secret = secret_of(data)
    assert rotate(data)["file"] == str(elsewhere)
    assert secret_of(data) == secret
    assert not (data.path / "secrets" / "store.key").exists()


def test_rotation_seals_everything_anew_and_leaves_one_key(data: DataDirectory) -> None:
    secret, before = secret_of(data), data.store_key_file.read_bytes()
    result = rotate(data)
    assert (result["sealed"], result["resumed"]) == (1, False)
    assert result["store_key"] == store_key.key_id(data.store_key_file)
    assert data.store_key_file.read_bytes() != before
    assert not store_key.previous(data.store_key_file).exists()
    assert secret_of(data) == secret
    data.prepare(SystemRandom())


@pytest.mark.parametrize("moment", ["previous kept", "new key made", "sealed", "recorded"])
def test_a_rotation_that_is_killed_is_finished_by_the_next(
    data: DataDirectory, moment: str
) -> None:
    secret = secret_of(data)
    child = os.fork()
    if child == 0:
        _rotate_and_die(data, moment)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    # Whatever the moment: the system starts, replicas open everything, and it can be finished.
    data.prepare(SystemRandom())
    assert secret_of(data) == secret
    result = rotate(data)
    assert result["resumed"] is (moment != "previous kept")
    assert not store_key.previous(data.store_key_file).exists()
    assert secret_of(data) == secret
    place = SERVER_SECRETS.place("csrf")
    with_store(data, lambda store, sealer: sealer.open(place, sealed_text(store)))


def _rotate_and_die(data: DataDirectory, moment: str) -> None:
    """Rotate in this forked process and kill it as by -9 at a moment."""
    try:
        writes = []
        write = store_key.write_atomically

        def write_and_die(path: Path, content: bytes) -> None:
            write(path, content)
            writes.append(path)
            if len(writes) == {"previous kept": 1, "new key made": 2, "recorded": 3}.get(moment):
                os.kill(os.getpid(), signal.SIGKILL)

        def seal_and_die(file: Path) -> int:
            count = maintenance_process.seal(database_url(data), str(file))
            if moment == "sealed":
                os.kill(os.getpid(), signal.SIGKILL)
            return count

        store_key.write_atomically = write_and_die
        store_key.rotate(data.path, SystemRandom(), seal_and_die)
    finally:
        os._exit(1)


def sealed_text(store) -> str:
    with store.read() as connection:
        return connection.execute(select(server_secrets.c.value_sealed)).scalar_one()


def test_a_rotation_that_fails_keeps_both_keys(data: DataDirectory) -> None:
    secret = secret_of(data)

    def fail(_file: Path) -> int:
        raise UsageError("store_away", "The store is away.")

    with pytest.raises(UsageError):
        store_key.rotate(data.path, SystemRandom(), fail)
    assert secret_of(data) == secret
    assert store_key.previous(data.store_key_file).exists()
    assert rotate(data)["resumed"] is True


def test_two_rotations_at_once_are_refused(data: DataDirectory) -> None:
    with store_key.rotation_lock(data.path), pytest.raises(UsageError) as caught:
        rotate(data)
    assert caught.value.code == "store_key_busy"
