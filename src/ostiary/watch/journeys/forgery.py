"""Tokens that nobody minted, made from one that somebody did."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from functools import cache

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ostiary.watch.relying_party.keys import ALGORITHMS, KeyRing
from ostiary.watch.relying_party.registration import base64url


def forgeries(token: str, keys: KeyRing) -> dict[str, str]:
    """Return forged versions of a compact JWS by the name of what was done to it.

    `keys` are the published ones, which a forger knows too. None of these may be accepted: RFC
    8725, sections 2.1 and 3.1, and plain sense.
    """
    header, payload, signature = token.split(".")
    head, claims = json.loads(_decode(header)), json.loads(_decode(payload))
    others = sorted(ALGORITHMS - {head["alg"]})
    mixed = {
        f"foreign_{name}_key": sign_with_foreign_key({**head, "alg": name}, claims)
        for name in others
    }
    return {
        "changed_payload": change_payload(token),
        "changed_signature": f"{header}.{payload}.{_flip_bit(signature)}",
        "no_signature": f"{_part({**head, 'alg': 'none'})}.{payload}.",
        "foreign_key": sign_with_foreign_key(head, claims),
        "public_key_as_secret": _tag_with_public_key(head, payload, keys),
        **mixed,
    }


def change_payload(token: str) -> str:
    """Return the token with another subject and the old signature."""
    header, payload, signature = token.split(".")
    claims = {**json.loads(_decode(payload)), "sub": "somebody-else"}
    return f"{header}.{_part(claims)}.{signature}"


def sign_with_foreign_key(header: dict[str, object], claims: dict[str, object]) -> str:
    """Return a token signed with a key of nobody under the key id of somebody.

    The key is one for the algorithm that the header names.
    """
    algorithm = str(header["alg"])
    signed = f"{_part(header)}.{_part(claims)}"
    signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), _foreign_key(algorithm))
    return f"{signed}.{base64url(signature)}"


@cache
def _foreign_key(algorithm: str) -> ECKey | RSAKey | OKPKey:
    """Return a key of nobody; one of each for all journeys, because RSA keys are slow to make."""
    match algorithm:
        case "RS256":
            return RSAKey.generate_key(2048)
        case "EdDSA":
            return OKPKey.generate_key("Ed25519")
        case _:
            return ECKey.generate_key("P-256")


def _tag_with_public_key(head: dict[str, object], payload: str, keys: KeyRing) -> str:
    """Return a token whose "shared secret" is the public key that its header names."""
    secret = keys.keys[str(head["kid"])].key.as_pem(private=False)
    signed = f"{_part({**head, 'alg': 'HS256'})}.{payload}"
    return f"{signed}.{base64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _flip_bit(signature: str) -> str:
    """Change the signature's first byte; its length and alphabet stay as they were."""
    content = bytearray(_decode(signature))
    content[0] ^= 1
    return base64url(bytes(content))


def _part(value: object) -> str:
    return base64url(json.dumps(value).encode())


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
