"""The provider's published keys (RFC 7517), parsed once and found by key id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

_PRIVATE_PARTS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: Final[Mapping[tuple[str, str | None], tuple[str, type[ECKey | RSAKey | OKPKey]]]] = {
    ("EC", "P-256"): ("ES256", ECKey),
    ("RSA", None): ("RS256", RSAKey),
    ("OKP", "Ed25519"): ("EdDSA", OKPKey),
}
_RSA_BITS_MIN = 2048

ALGORITHMS: Final = frozenset(algorithm for algorithm, _ in _KINDS.values())
"""What tokens may be signed by; everything else is refused."""


class BadKeySetError(ValueError):
    """The key set is not fit for verification; the message says why and holds no key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One published key and the one algorithm that its type is for."""

    algorithm: str
    key: ECKey | RSAKey | OKPKey

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return whether a signature is that of a message."""
        try:
            return JWSRegistry.algorithms[self.algorithm].verify(message, signature, self.key)
        except (JoseError, ValueError, TypeError):
            return False


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Public keys by key id."""

    keys: Mapping[str, PublicKey]

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "KeyRing":
        """Return the keys of a JWKS document.

        Raises `BadKeySetError` where there is none, an id is missing or used twice, a private part
        is published, or a key is for none of the algorithms.
        """
        entries = document.get("keys")
        if not isinstance(entries, list) or not entries:
            raise BadKeySetError("no keys")
        keys: dict[str, PublicKey] = {}
        for entry in entries:
            if not isinstance(entry, dict):
                raise BadKeySetError("an entry that is no key")
            kid, key = _parse_key(entry)
            if kid in keys:
                raise BadKeySetError("a key id used twice")
            keys[kid] = key
        return cls(keys)


def _parse_key(entry: Mapping[str, object]) -> tuple[str, PublicKey]:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        raise BadKeySetError("a key without an id")
    if _PRIVATE_PARTS.intersection(entry):
        raise BadKeySetError("a private key in the published set")
    values: dict[str, str | list[str]] = {
        name: value for name, value in entry.items() if isinstance(value, str)
    }
    found = _KINDS.get((str(values.get("kty")), values.get("crv")))  # type: ignore[arg-type]
    if found is None:
        raise BadKeySetError("a key that is neither EC on P-256, nor RSA, nor OKP on Ed25519")
    algorithm, kind = found
    if entry.get("alg", algorithm) != algorithm:
        raise BadKeySetError("a key for an algorithm that does not fit its type")
    try:
        key = kind.import_key(values)
    except (JoseError, ValueError, TypeError) as error:
        raise BadKeySetError("a key that cannot be read") from error
    if isinstance(key, RSAKey) and key.raw_value.key_size < _RSA_BITS_MIN:
        raise BadKeySetError("an RSA key of fewer than 2048 bits")
    return kid, PublicKey(algorithm, key)
