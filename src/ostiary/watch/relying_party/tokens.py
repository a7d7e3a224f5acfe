"""An independent check of what was minted: access tokens (RFC 9068) and id tokens (OIDC Core).

This is deliberately not the check that identity or its applications use. It is strict: what the
profile demands must be there, and nothing is repaired.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.watch.relying_party.claims import (
    TokenRejectedError,
    decode,
    printable,
    read_audiences,
    read_header,
    read_object,
    read_text,
    read_texts,
    read_time,
)
from ostiary.watch.relying_party.keys import ALGORITHMS, KeyRing
from ostiary.watch.relying_party.registration import base64url

_ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_LIFE_SECONDS_MAX = 86_400
"""No token lives longer than a day."""

_AGE_SECONDS_MAX = 60
"""How long ago a token may have been minted that has just come."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a relying party knows before it reads a token. Times are Unix seconds.

    `audience` is None for one that compares with none; there must be one all the same.
    """

    issuer: str
    client_id: str
    audience: str | None
    now: float
    leeway_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says. Times are Unix seconds; `audiences` in their order."""

    subject: str
    kid: str
    algorithm: str
    audiences: tuple[str, ...]
    issued_at: float
    expires_at: float
    scope: frozenset[str]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """What a verified id token says."""

    subject: str
    kid: str
    algorithm: str
    email: str | None
    roles: frozenset[str]


def verify_access_token(token: str, keys: KeyRing, expected: Expectation) -> AccessClaims:
    """Return the claims of an access token; raises `TokenRejectedError` (RFC 9068, section 4)."""
    header, claims = _verify_signature(token, keys)
    if str(header.get("typ", "")).lower() not in _ACCESS_TOKEN_TYPES:
        raise TokenRejectedError("its type is not at+jwt")
    _check_issuer_and_times(claims, expected)
    audiences = read_audiences(claims)
    if not audiences or expected.audience not in {None, *audiences}:
        others = printable(" and ".join(audiences) or "nobody")
        raise TokenRejectedError(f"it is for another audience: {others}")
    if claims.get("client_id") != expected.client_id:
        raise TokenRejectedError("it names another client")
    read_text(claims, "jti")
    return AccessClaims(
        subject=read_text(claims, "sub"),
        kid=str(header["kid"]),
        algorithm=str(header["alg"]),
        audiences=audiences,
        issued_at=read_time(claims, "iat"),
        expires_at=read_time(claims, "exp"),
        scope=frozenset(str(claims.get("scope", "")).split()),
        roles=frozenset(read_texts(claims.get("roles", []))),
    )


def verify_id_token(
    token: str, keys: KeyRing, expected: Expectation, *, nonce: str | None, access_token: str
) -> IdentityClaims:
    """Return the claims of an id token; raises `TokenRejectedError` (OIDC Core, section 3.1.3.7).

    `nonce` is None after a refresh, where the claim may be left out. `at_hash` must be there and
    fit the access token: the provider promises it, and it binds the two (section 3.1.3.6).
    """
    header, claims = _verify_signature(token, keys)
    if str(header.get("typ", "JWT")).lower() in _ACCESS_TOKEN_TYPES:
        raise TokenRejectedError("it is an access token")
    _check_issuer_and_times(claims, expected)
    audiences = read_audiences(claims)
    if expected.client_id not in audiences:
        raise TokenRejectedError("it is for another client")
    party = claims.get("azp", expected.client_id if len(audiences) == 1 else None)
    if party != expected.client_id:
        raise TokenRejectedError("it names another authorized party, or none of several audiences")
    if nonce is not None and claims.get("nonce") != nonce:
        raise TokenRejectedError("its nonce is not the one that was sent")
    # The hash of the algorithm (OIDC Core, 3.1.3.6): Ed25519 uses SHA-512 (RFC 8032, 5.1).
    hashing = hashlib.sha512 if header["alg"] == "EdDSA" else hashlib.sha256
    digest = hashing(access_token.encode()).digest()
    if claims.get("at_hash") != base64url(digest[: len(digest) // 2]):
        raise TokenRejectedError("its at_hash does not fit the access token")
    email = claims.get("email")
    return IdentityClaims(
        subject=read_text(claims, "sub"),
        kid=str(header["kid"]),
        algorithm=str(header["alg"]),
        email=email if isinstance(email, str) else None,
        roles=frozenset(read_texts(claims.get("roles", []))),
    )


def _verify_signature(token: str, keys: KeyRing) -> tuple[Mapping[str, object], dict[str, Any]]:
    """Check algorithm, key id and signature, in this order, before anything else is read."""
    header = read_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        allowed = ", ".join(sorted(ALGORITHMS))
        raise TokenRejectedError(f"its algorithm is {printable(algorithm)}, none of {allowed}")
    if not isinstance(kid, str) or kid not in keys.keys:
        raise TokenRejectedError("its key id is not among the published keys")
    key = keys.keys[kid]
    if algorithm != key.algorithm:
        raise TokenRejectedError(f"its algorithm is {algorithm}, its key is for {key.algorithm}")
    signed, _, signature = token.rpartition(".")
    try:
        fits = key.verifies(signed.encode(), decode(signature))
    except ValueError as error:
        raise TokenRejectedError("its signature cannot be read") from error
    if not fits:
        raise TokenRejectedError("its signature does not fit the published key")
    return header, read_object(token.split(".")[1], "payload")


def _check_issuer_and_times(claims: Mapping[str, object], expected: Expectation) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenRejectedError(f"it is from another issuer: {printable(claims.get('iss'))}")
    issued, expires = read_time(claims, "iat"), read_time(claims, "exp")
    if expires <= issued:
        raise TokenRejectedError("it expires before it was issued")
    if expires - issued > _LIFE_SECONDS_MAX:
        raise TokenRejectedError("it lives longer than a day")
    if expires <= expected.now - expected.leeway_seconds:
        raise TokenRejectedError("it has expired")
    if issued > expected.now + expected.leeway_seconds:
        raise TokenRejectedError("it was issued in the future")
    if issued < expected.now - expected.leeway_seconds - _AGE_SECONDS_MAX:
        raise TokenRejectedError("it was issued long before it came")
    if "nbf" in claims and read_time(claims, "nbf") > expected.now + expected.leeway_seconds:
        raise TokenRejectedError("it is not valid yet")
