"""The signature algorithms that a key can be for, and what signs and verifies with each.

A key is for one algorithm for ever, and a token counts only when its header names the algorithm of
the key that it names (RFC 8725, section 3.1): what a header says never chooses how it is checked.

`EdDSA` is the name of RFC 8037. RFC 9864 prefers `Ed25519`, which most libraries that verify do not
know yet; here the two mean the same, because every such key is on the curve Ed25519 and says so.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

_RSA_BITS = 2048
_RSA_BITS_MAX = 4096


class Algorithm(StrEnum):
    """The closed list of values of the header `alg`.

    ECDSA on P-256 with SHA-256 and RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, sections 3.3 and 3.4),
    and Ed25519 (RFC 8037, section 3.1).
    """

    ES256 = "ES256"
    RS256 = "RS256"
    EDDSA = "EdDSA"

    @property
    def is_slow_to_make(self) -> bool:
        """Return whether a key pair takes a noticeable part of a second."""
        return self is Algorithm.RS256

    def digest(self, content: bytes) -> bytes:
        """Return the hash that the algorithm uses: SHA-512 for Ed25519 (RFC 8032, 5.1)."""
        hashing = hashlib.sha512 if self is Algorithm.EDDSA else hashlib.sha256
        return hashing(content).digest()


AnyKey = ECKey | RSAKey | OKPKey


@dataclass(frozen=True, slots=True)
class AlgorithmKey:
    """A key, private or public, and the one algorithm that it is for."""

    algorithm: Algorithm
    key: AnyKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message. Raises `JoseError` or `ValueError`."""
        return JWSRegistry.algorithms[self.algorithm].sign(message, self.key)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return whether a signature is that of a message."""
        try:
            return JWSRegistry.algorithms[self.algorithm].verify(message, signature, self.key)
        except (JoseError, ValueError, TypeError):
            return False


def generate(algorithm: Algorithm) -> AlgorithmKey:
    """Return a new key pair.

    It comes from OpenSSL's own random source, not from the injected one: a seeded key would be a
    guessable key.
    """
    match algorithm:
        case Algorithm.ES256:
            return AlgorithmKey(algorithm, ECKey.generate_key("P-256"))
        case Algorithm.RS256:
            return AlgorithmKey(algorithm, RSAKey.generate_key(_RSA_BITS))
        case Algorithm.EDDSA:
            return AlgorithmKey(algorithm, OKPKey.generate_key("Ed25519"))


def import_key(algorithm: str, jwk: Mapping[str, object]) -> AlgorithmKey:
    """Return the key of a JSON Web Key that was made for an algorithm.

    Raises `ValueError` for an algorithm that this release does not know and for a key that is not
    for it, `JoseError`, `TypeError` or `KeyError` for what is no key.
    """
    known = Algorithm(algorithm)
    values = cast("dict[str, str | list[str]]", dict(jwk))
    key: AnyKey
    match known:
        case Algorithm.ES256:
            key = ECKey.import_key(values)
            fits = key.curve_name == "P-256"
        case Algorithm.RS256:
            key = RSAKey.import_key(values)
            fits = _RSA_BITS <= key.raw_value.key_size <= _RSA_BITS_MAX
        case Algorithm.EDDSA:
            key = OKPKey.import_key(values)
            fits = key.curve_name == "Ed25519"
    if not fits:
        raise ValueError(f"the key is not one for {known}")
    return AlgorithmKey(known, key)
