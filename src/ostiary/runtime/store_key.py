"""The store key: where it is, which one it is, and how another one takes its place.

It stands in `secrets/store.key`, or in the file that `OSTIARY_STORE_KEY_FILE` named when the system
was started last: a key that is kept apart from the data is not stolen with them. The control plane
makes and moves keys; only identity seals and opens with them.
"""

import binascii
import fcntl
import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.ids import Random
from ostiary.runtime.secret_files import create_secret

VARIABLE = "OSTIARY_STORE_KEY_FILE"
FILE = "store.key"
ELSEWHERE_FILE = "store.key.path"
ID_FILE = "store.key.id"
_LOCK = ".store.key.lock"
_KEY_BYTES = 32
_ID_CHARACTERS = 8


def location(data: Path) -> Path:
    """Return the key's file: named by the environment, by an earlier start, or the usual one."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    try:
        return Path((data / "secrets" / ELSEWHERE_FILE).read_text().strip())
    except FileNotFoundError:
        return data / "secrets" / FILE


def prepare(data: Path, rng: Random, *, is_new: bool) -> None:
    """Make the key of a new data directory; else see whether it is the one that was used last.

    Raises `RefusedError` where it is missing, no key, or another one: a new key would open
    nothing that is sealed. Raises `OSError` as the system gives it.
    """
    file = location(data)
    if is_new and file == data / "secrets" / FILE:
        create_secret(file, rng, content=_new_key(rng))
    _require_known(data, file)
    _record(data, file)


def _require_known(data: Path, file: Path) -> None:
    """Raise `RefusedError` for a key that is not the one this data directory was used with."""
    accepted = [key_id(file)]
    if previous(file).exists():
        accepted.append(key_id(previous(file)))
    recorded = _recorded_id(data)
    if recorded is not None and recorded not in accepted:
        raise RefusedError(
            "store_key_wrong",
            f"The store key {file} is {accepted[0]}, but this system was used with {recorded}.",
            hint=f"Put the right key back, or name its file by {VARIABLE}. Nothing was changed.",
        )


def key_id(file: Path) -> str:
    """Return the public id of a key, the same by which identity marks what it seals.

    Raises `RefusedError` where the file is missing or holds no key.
    """
    text = _read(file).strip().rstrip(b"=")
    try:
        secret = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise RefusedError(
            "store_key_invalid",
            f"The store key {file} is not {_KEY_BYTES} bytes as URL-safe base64.",
            hint="Put the key back from where it is kept. Nothing was changed.",
        )
    digest = hashlib.sha256(b"ostiary store key\0" + secret).hexdigest()
    return digest[:_ID_CHARACTERS]


def previous(file: Path) -> Path:
    """Return where the key before stands while a rotation is under way."""
    return file.with_name(f"{file.name}.previous")


def rotate(data: Path, rng: Random, seal_anew: Callable[[Path], int]) -> dict[str, object]:
    """Put a new key in place, have everything sealed under it, and remove the one before.

    Replicas that run read the new key when they first need it. A rotation that was cut short is
    finished instead, whatever the moment: until everything is sealed anew both keys are there.
    Raises what `seal_anew` raises, and `UsageError` where the key cannot be written.
    """
    file = location(data)
    with rotation_lock(data):
        try:
            resumed = _is_under_way(file)
            _require_known(data, file)
            if not resumed:
                write_atomically(previous(file), _read(file))
                write_atomically(file, _new_key(rng).encode())
            count = seal_anew(file)
            _record(data, file)
            previous(file).unlink()
        except OSError as error:
            raise UsageError(
                "store_key_not_written",
                f"The store key {file} cannot be replaced: {error.strerror}.",
                hint="Its directory must be writable and have space. Both keys still count.",
            ) from error
    return {"store_key": key_id(file), "file": str(file), "sealed": count, "resumed": resumed}


@contextmanager
def rotation_lock(data: Path) -> Iterator[None]:
    """Be the only one that rotates or backs up keys. Raises `UsageError` where another does."""
    with (data / "secrets" / _LOCK).open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "store_key_busy",
                "A backup or a rotation of the store key is under way.",
                hint="Try again when it has ended.",
            ) from None
        yield


def _new_key(rng: Random) -> str:
    return urlsafe_b64encode(bytes.fromhex(rng.hex(_KEY_BYTES))).decode().rstrip("=")


def _is_under_way(file: Path) -> bool:
    """Return whether an earlier rotation has put its new key in place and did not get further."""
    before = previous(file)
    return before.exists() and key_id(before) != key_id(file)


def _record(data: Path, file: Path) -> None:
    """Keep which key is used and where it is, so that another one is noticed."""
    secrets = data / "secrets"
    if _recorded_id(data) != key_id(file):
        write_atomically(secrets / ID_FILE, key_id(file).encode())
    if file == secrets / FILE:
        (secrets / ELSEWHERE_FILE).unlink(missing_ok=True)
    elif os.environ.get(VARIABLE):
        write_atomically(secrets / ELSEWHERE_FILE, str(file).encode())


def _recorded_id(data: Path) -> str | None:
    try:
        return (data / "secrets" / ID_FILE).read_text().strip()
    except FileNotFoundError:
        return None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise RefusedError(
            "store_key_missing",
            f"The store key {file} does not exist.",
            hint="Put the key back from where it is kept, or name its file by "
            f"{VARIABLE}. Nothing was changed.",
        ) from None
