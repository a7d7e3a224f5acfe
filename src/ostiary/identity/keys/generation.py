"""Making key pairs.

The curve's private scalar comes from OpenSSL's own random source, not from the injected one: a
seeded key would be a guessable key.
"""

from typing import cast

from joserfc.jwk import ECKey

from ostiary.identity.keys.model import ALGORITHM, KeyMaterial

_CURVE = "P-256"


def generate_key() -> KeyMaterial:
    """Return a new ES256 key pair, named by its thumbprint (RFC 7638)."""
    key = ECKey.generate_key(_CURVE)
    kid = key.thumbprint()
    described = {"kid": kid, "alg": ALGORITHM, "use": "sig"}
    public = {**cast("dict[str, str]", key.as_dict(private=False)), **described}
    private = {**cast("dict[str, str]", key.as_dict(private=True)), **described}
    return KeyMaterial(kid=kid, public_jwk=public, private_jwk=private)
