"""Tokens that nobody minted, made from one that somebody did."""

import json
from base64 import urlsafe_b64decode

from joserfc import jws
from joserfc.jwk import ECKey

from ostiary.watch.relying_party.registration import base64url


def forgeries(token: str) -> dict[str, str]:
    """Return forged versions of a compact JWS by the name of what was done to it.

    None of them may be accepted: RFC 8725, sections 2.1 and 3.1, and plain sense.
    """
    header, payload, signature = token.split(".")
    claims = json.loads(_decode(payload))
    unsigned = base64url(json.dumps({**json.loads(_decode(header)), "alg": "none"}).encode())
    return {
        "changed_payload": change_payload(token),
        "changed_signature": f"{header}.{payload}.{_flip_bit(signature)}",
        "no_signature": f"{unsigned}.{payload}.",
        "foreign_key": sign_with_foreign_key(json.loads(_decode(header)), claims),
    }


def change_payload(token: str) -> str:
    """Return the token with another subject and the old signature."""
    header, payload, signature = token.split(".")
    claims = {**json.loads(_decode(payload)), "sub": "somebody-else"}
    return f"{header}.{base64url(json.dumps(claims).encode())}.{signature}"


def sign_with_foreign_key(header: dict[str, object], claims: dict[str, object]) -> str:
    """Return a token signed with a new key of nobody under the key id of somebody."""
    key = ECKey.generate_key("P-256", private=True)
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])


def _flip_bit(signature: str) -> str:
    """Change the signature's first byte; its length and alphabet stay as they were."""
    content = bytearray(_decode(signature))
    content[0] ^= 1
    return base64url(bytes(content))


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
