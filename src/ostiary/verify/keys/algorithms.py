"""The signature algorithms that can be accepted, and what verifies each.

All are asymmetric. There is no `none` and no HMAC: whoever verifies would otherwise be able to
sign, or take a public key for a secret (RFC 8725, sections 2.1 and 3.1).
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ostiary.verify.keys.public_numbers import are_plausible

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

DEFAULT = ("ES256", "RS256", "EdDSA")
"""What Ostiary signs with."""

FOR_KEYS: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Each algorithm, with the `kty` and `crv` of the keys that it is for (RFC 7518, 8037 and 9864)."""

SAME = frozenset({"EdDSA", "Ed25519"})
"""Two names of one algorithm, as long as every such key is on the curve Ed25519."""

PUBLIC_PARAMETERS = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
_REMEMBERED = 256

_SHA = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_ECDSA = {name: ec.ECDSA(_SHA[name[2:]]) for name in ("ES256", "ES384", "ES512")}
_PARTS_BYTES = {"ES256": 32, "ES384": 48, "ES512": 66}
_PADDINGS: Mapping[str, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = {
    **{f"RS{bits}": (padding.PKCS1v15(), sha) for bits, sha in _SHA.items()},
    **{
        f"PS{bits}": (padding.PSS(padding.MGF1(sha), sha.digest_size), sha)
        for bits, sha in _SHA.items()
    },
}


@lru_cache(maxsize=_REMEMBERED)
def public_key_of(parameters: str) -> PublicKey | None:
    """Return the key of the public part of a JSON Web Key, or None where that is no key.

    It is made when a token first names it: of thousands of published keys a few are ever used.
    """
    jwk: dict[str, Any] = json.loads(parameters)
    try:
        if not are_plausible(jwk):
            return None
        match jwk["kty"]:
            case "EC":
                return ECKey.import_key(jwk).public_key
            case "RSA":
                return RSAKey.import_key(jwk).public_key
            case _:
                key = OKPKey.import_key(jwk).public_key
                return key if isinstance(key, ed25519.Ed25519PublicKey) else None
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None


def verifies(key: PublicKey, algorithm: str, message: bytes, signature: bytes) -> bool:
    """Return whether a signature is that of a message, by a key that is for the algorithm."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            half = _PARTS_BYTES[algorithm]
            if len(signature) != 2 * half:
                return False
            r = int.from_bytes(signature[:half], "big")
            s = int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(r, s), message, _ECDSA[algorithm])
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, *_PADDINGS[algorithm])
        else:
            key.verify(signature, message)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
