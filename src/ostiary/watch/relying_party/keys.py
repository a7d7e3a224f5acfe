"""The provider's published keys (RFC 7517), parsed once and found by key id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

_PRIVATE_PARTS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class BadKeySetError(ValueError):
    """The key set is not fit for verification; the message says why and holds no key."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Public P-256 keys by key id."""

    keys: Mapping[str, ECKey]

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "KeyRing":
        """Return the keys of a JWKS document.

        Raises `BadKeySetError` where there is none, an id is missing or used twice, a private part
        is published, or a key cannot be used for ES256.
        """
        entries = document.get("keys")
        if not isinstance(entries, list) or not entries:
            raise BadKeySetError("no keys")
        keys: dict[str, ECKey] = {}
        for entry in entries:
            if not isinstance(entry, dict):
                raise BadKeySetError("an entry that is no key")
            kid, key = _parse_key(entry)
            if kid in keys:
                raise BadKeySetError("a key id used twice")
            keys[kid] = key
        return cls(keys)


def _parse_key(entry: Mapping[str, object]) -> tuple[str, ECKey]:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        raise BadKeySetError("a key without an id")
    if _PRIVATE_PARTS.intersection(entry):
        raise BadKeySetError("a private key in the published set")
    if entry.get("kty") != "EC" or entry.get("crv") != "P-256":
        raise BadKeySetError("a key that is not of type EC with curve P-256")
    values: dict[str, str | list[str]] = {
        name: value for name, value in entry.items() if isinstance(value, str)
    }
    try:
        return kid, ECKey.import_key(values)
    except (JoseError, ValueError, TypeError) as error:
        raise BadKeySetError("a key that cannot be read") from error
