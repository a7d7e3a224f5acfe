"""Making key pairs as they stand in the store."""

from typing import cast

from ostiary.identity.keys.algorithms import Algorithm, generate
from ostiary.identity.keys.model import KeyMaterial


def generate_key(algorithm: Algorithm = Algorithm.ES256) -> KeyMaterial:
    """Return a new key pair, named by its thumbprint (RFC 7638)."""
    key = generate(algorithm).key
    kid = key.thumbprint()
    described = {"kid": kid, "alg": algorithm.value, "use": "sig"}
    public = {**cast("dict[str, str]", key.as_dict(private=False)), **described}
    private = {**cast("dict[str, str]", key.as_dict(private=True)), **described}
    return KeyMaterial(kid=kid, algorithm=algorithm, public_jwk=public, private_jwk=private)
