"""Sealing values with AES-256-GCM (NIST SP 800-38D), each bound to its place in the store.

A sealed value is the text `1.<key id>.<nonce and ciphertext, URL-safe base64>`. Table, column and
row id are authenticated with it: a value that was moved to another row does not open.
"""

import binascii
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.identity.sealing.key_files import StoreKey, StoreKeyError, StoreKeyFiles

_FORMAT = "1"
_NONCE_BYTES = 12
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands."""

    table: str
    column: str
    row: str

    @property
    def associated_data(self) -> bytes:
        """Return what is authenticated beside the value; no two places have the same."""
        return f"{_FORMAT}\0{self.table}\0{self.column}\0{self.row}".encode()


class Sealer:
    """Seals and opens values. Thread-safe."""

    def __init__(self, files: StoreKeyFiles) -> None:
        """Read the keys. Raises `StoreKeyError`."""
        self._files = files
        self._lock = threading.Lock()
        self._keys = files.read()

    def seal(self, place: Place, content: bytes) -> str:
        """Return `content` sealed for its place under the present key.

        Call it inside the write transaction that stores the value, after other writers have been
        excluded: the key is read anew, and a rotation that seals everything again comes either
        before or after that transaction. Raises `StoreKeyError`.
        """
        key = self._reloaded()[0]
        # From OpenSSL's side, not from the injected source: a repeated nonce would give away
        # what it protects, so not even a seeded test may choose it.
        nonce = AESGCM.generate_key(bit_length=128)[:_NONCE_BYTES]
        sealed = AESGCM(key.secret).encrypt(nonce, content, place.associated_data)
        return f"{_FORMAT}.{key.id}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, place: Place, text: str) -> bytes:
        """Return what was sealed for this place.

        Raises `StoreKeyError` when no key here fits, the value was altered, or it was sealed for
        another place.
        """
        version, key_id, body = _split(text)
        key = self._find(key_id) if version == _FORMAT else None
        if key is None:
            raise StoreKeyError(
                "store_key_wrong",
                f"A secret in table {place.table} is sealed under store key {key_id}, "
                f"but {self._files.path} holds {', '.join(k.id for k in self._keys)}.",
                hint="Put the right key back; nothing was changed in the store.",
            )
        try:
            raw = urlsafe_b64decode(body)
            return AESGCM(key.secret).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated_data
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise StoreKeyError(
                "sealed_value_damaged",
                f"A secret in table {place.table} was altered or comes from another row.",
                hint="Restore the store from a backup.",
            ) from None

    def knows(self, text: str) -> bool:
        """Return whether there is a key for a sealed value; it is not opened."""
        return self._find(_split(text)[1]) is not None

    def is_present(self, text: str) -> bool:
        """Return whether a value is sealed under the key that new values get."""
        return _split(text)[1] == self._reloaded()[0].id

    def _find(self, key_id: str) -> StoreKey | None:
        found = _named(self._keys, key_id)
        # Another replica may have sealed it under a key that was put in place meanwhile.
        return found or _named(self._reloaded(), key_id)

    def _reloaded(self) -> tuple[StoreKey, ...]:
        keys = self._files.read()
        with self._lock:
            self._keys = keys
        return keys


def _named(keys: tuple[StoreKey, ...], key_id: str) -> StoreKey | None:
    return next((key for key in keys if key.id == key_id), None)


def _split(text: str) -> tuple[str, str, str]:
    parts = text.split(".")
    return (parts[0], parts[1], parts[2]) if len(parts) == _PARTS else ("", "none", "")
