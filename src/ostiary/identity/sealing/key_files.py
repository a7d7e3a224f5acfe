"""The store key: 32 random bytes, as URL-safe base64, in a file that only its owner reads.

While the key is being rotated a second file, `<name>.previous`, holds the one before: what is
sealed under either can be opened, and everything new is sealed under the first.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.kernel.errors import RefusedError

KEY_BYTES = 32
_ID_CHARACTERS = 8
_FILE_BYTES_MAX = 200


class StoreKeyError(RefusedError):
    """The store key is missing, is no key, or is not the one that a value is sealed under."""


@dataclass(frozen=True, slots=True)
class StoreKey:
    """One store key. Its `id` is public and stands beside all that is sealed under it."""

    id: str
    secret: bytes = field(repr=False)


def store_key(secret: bytes) -> StoreKey:
    """Return the key that consists of these bytes; the id is derived from them."""
    digest = hashlib.sha256(b"ostiary store key\0" + secret).hexdigest()
    return StoreKey(digest[:_ID_CHARACTERS], secret)


class StoreKeyFiles:
    """Reads the store key, and the one before it during a rotation."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is read when it is needed, for it can change while this runs."""
        self.path = path

    def read(self) -> tuple[StoreKey, ...]:
        """Return the keys, the one to seal with first. Raises `StoreKeyError`."""
        current = _read(self.path)
        try:
            return (current, _read(self.path.with_name(f"{self.path.name}.previous")))
        except _MissingError:
            return (current,)


class _MissingError(StoreKeyError):
    """There is no such file."""


def _read(path: Path) -> StoreKey:
    try:
        with path.open("rb") as stream:
            content = stream.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise _MissingError(
            "store_key_missing",
            f"The store key {path} does not exist.",
            hint="Put the key back from where it is kept. Without it sealed secrets stay closed.",
        ) from None
    except OSError as error:
        raise StoreKeyError(
            "store_key_unreadable", f"Cannot read the store key {path}: {error.strerror}."
        ) from error
    text = content.strip().rstrip(b"=")
    try:
        secret = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise StoreKeyError(
            "store_key_invalid",
            f"The store key {path} is not {KEY_BYTES} bytes as URL-safe base64.",
            hint="Put the key back from where it is kept; nothing was changed.",
        )
    return store_key(secret)
