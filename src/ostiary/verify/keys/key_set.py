"""A published set of keys (RFC 7517, section 5), as far as it is of use here."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.verify.json_objects import NotJsonError, read_object
from ostiary.verify.keys.algorithms import (
    FOR_KEYS,
    PUBLIC_PARAMETERS,
    SAME,
    public_key_of,
    verifies,
)

KEYS_MAX = 5000
KEY_ID_CHARACTERS_MAX = 256


class UnusableKeysError(ValueError):
    """A document is no set of keys that anything could be verified with."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A published key, the algorithms that it is for, and a text that is its own."""

    key_id: str | None
    algorithms: frozenset[str]
    parameters: str
    fingerprint: str

    def verifies(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Return whether a signature was made by this key, under an algorithm that it is for."""
        if algorithm not in self.algorithms:
            return False
        key = public_key_of(self.parameters)
        return key is not None and verifies(key, algorithm, message, signature)


class KeySet:
    """Published keys, found by id or by algorithm. It never changes."""

    def __init__(self, keys: Iterable[PublishedKey]) -> None:
        unique = {key.fingerprint: key for key in keys}
        self.fingerprints = frozenset(unique)
        by_id: dict[str, list[PublishedKey]] = {}
        by_algorithm: dict[str, list[PublishedKey]] = {}
        for key in unique.values():
            if key.key_id is not None:
                by_id.setdefault(key.key_id, []).append(key)
            for algorithm in key.algorithms:
                by_algorithm.setdefault(algorithm, []).append(key)
        self._by_id = {name: tuple(found) for name, found in by_id.items()}
        self._by_algorithm = {name: tuple(found) for name, found in by_algorithm.items()}

    def __len__(self) -> int:
        return len(self.fingerprints)

    def named(self, key_id: str) -> tuple[PublishedKey, ...]:
        """Return the keys with an id; keys of different kinds may share one (RFC 7517, 4.5)."""
        return self._by_id.get(key_id, ())

    def for_algorithm(self, algorithm: str) -> tuple[PublishedKey, ...]:
        """Return all keys that an algorithm may be used with."""
        return self._by_algorithm.get(algorithm, ())


def read_key_set(content: bytes, algorithms: frozenset[str]) -> KeySet:
    """Return the keys in a document that are for one of the algorithms.

    What is not understood is left out, as RFC 7517 asks. Raises `UnusableKeysError` where nothing
    is left: an issuer without keys is an issuer with a fault, and no reason to refuse everybody.
    """
    try:
        entries = read_object(content).get("keys")
    except NotJsonError as error:
        raise UnusableKeysError(f"the key set is {error}") from None
    if not isinstance(entries, list):
        raise UnusableKeysError("the key set has no array `keys`")
    if len(entries) > KEYS_MAX:
        raise UnusableKeysError(f"the key set has more than {KEYS_MAX} keys")
    found = [key for entry in entries if (key := _read_key(entry, algorithms)) is not None]
    if not found:
        raise UnusableKeysError(
            f"none of the {len(entries)} keys is for {', '.join(sorted(algorithms))}"
        )
    return KeySet(found)


def _read_key(entry: object, accepted: frozenset[str]) -> PublishedKey | None:
    """Return a key that is there to verify signatures with, or None for any other."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    operations, key_id = entry.get("key_ops", ["verify"]), entry.get("kid")
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    if key_id is not None and not (
        isinstance(key_id, str) and len(key_id) <= KEY_ID_CHARACTERS_MAX
    ):
        return None
    kind = entry.get("kty")
    names = PUBLIC_PARAMETERS.get(kind) if isinstance(kind, str) else None
    if names is None or not all(isinstance(entry.get(name), str) for name in names):
        return None
    algorithms = _algorithms_of(entry) & accepted
    if not algorithms:
        return None
    # Private numbers that somebody published by mistake are left where they are.
    parameters = json.dumps({name: entry[name] for name in ("kty", *names)})
    fingerprint = json.dumps([key_id, sorted(algorithms), parameters])
    return PublishedKey(key_id, algorithms, parameters, fingerprint)


def _algorithms_of(entry: Mapping[str, Any]) -> frozenset[str]:
    """Return what a key is for: the one that it names, else each that its kind allows."""
    fitting = {
        name
        for name, (kind, curve) in FOR_KEYS.items()
        if kind == entry["kty"] and curve in (None, entry.get("crv"))
    }
    named = entry.get("alg")
    if named is None:
        return frozenset(fitting)
    if not isinstance(named, str):
        return frozenset()
    return frozenset(fitting & (SAME if named in SAME else {named}))
