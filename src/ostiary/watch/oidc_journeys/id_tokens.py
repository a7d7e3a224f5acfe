"""What an application checks of an id token (OIDC Core, section 3.1.3.7), of any provider."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostiary.watch.oidc_journeys.key_set import KeySet
from ostiary.watch.relying_party.claims import (
    TokenRejectedError,
    printable,
    read_audiences,
    read_text,
    read_time,
)
from ostiary.watch.relying_party.registration import base64url

LEEWAY_SECONDS: Final = 30.0
"""By how much the clocks of the provider and of this machine may differ."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an application knows before it reads an id token.

    `nonce` is None after a refresh, where it need not be repeated. `now` is Unix seconds.
    """

    issuer: str
    client_id: str
    nonce: str | None
    access_token: str
    now: float


def read_subject(token: str, keys: KeySet, expected: Expected) -> str:
    """Return the subject of an id token that is right; raises `TokenRejectedError`."""
    header, claims = keys.verified(token)
    if claims.get("iss") != expected.issuer:
        raise TokenRejectedError(f"its issuer is {printable(claims.get('iss'))}")
    audiences = read_audiences(claims)
    if expected.client_id not in audiences:
        raise TokenRejectedError("it is for another client")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise TokenRejectedError("it names another authorized party")
    _check_times(claims, expected.now)
    nonce = claims.get("nonce")
    if expected.nonce is not None and nonce != expected.nonce:
        raise TokenRejectedError("its nonce is not the one that was sent")
    _check_hash(header, claims, expected.access_token)
    return read_text(claims, "sub")


def _check_times(claims: Mapping[str, object], now: float) -> None:
    if read_time(claims, "exp") <= now - LEEWAY_SECONDS:
        raise TokenRejectedError("it has expired")
    if read_time(claims, "iat") > now + LEEWAY_SECONDS:
        raise TokenRejectedError("it was issued in the future")


def _check_hash(
    header: Mapping[str, object], claims: Mapping[str, object], access_token: str
) -> None:
    """Check `at_hash` where it is there: with the code flow it may be missing (3.1.3.6)."""
    if "at_hash" not in claims:
        return
    algorithm = str(header["alg"])
    # Ed25519 uses SHA-512 (RFC 8032, section 5.1); all others name their hash by its bits.
    hashing = getattr(hashlib, f"sha{algorithm[2:] if algorithm[2:].isdigit() else '512'}")
    digest = hashing(access_token.encode()).digest()
    if claims["at_hash"] != base64url(digest[: len(digest) // 2]):
        raise TokenRejectedError("its at_hash does not fit the access token")
