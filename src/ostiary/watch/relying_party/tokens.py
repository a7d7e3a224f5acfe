"""An independent check of what was minted: access tokens (RFC 9068) and id tokens (OIDC Core).

This is deliberately not the check that identity or its applications use. It is strict: what the
profile demands must be there, and nothing is repaired.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from ostiary.watch.relying_party.keys import KeyRing
from ostiary.watch.relying_party.registration import base64url

_ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_PARTS = 3
_ALGORITHM = "ES256"


class TokenRejectedError(ValueError):
    """A token that must not be accepted; the message says what is wrong and holds no token."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a relying party knows before it reads a token. Times are Unix seconds."""

    issuer: str
    client_id: str
    audience: str
    now: float
    leeway_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified access token says. Times are Unix seconds."""

    subject: str
    kid: str
    issued_at: float
    expires_at: float
    scope: frozenset[str]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentityClaims:
    """What a verified id token says."""

    subject: str
    kid: str
    email: str | None


def verify_access_token(token: str, keys: KeyRing, expected: Expectation) -> AccessClaims:
    """Return the claims of an access token; raises `TokenRejectedError` (RFC 9068, section 4)."""
    header, claims = _verify_signature(token, keys)
    if str(header.get("typ", "")).lower() not in _ACCESS_TOKEN_TYPES:
        raise TokenRejectedError("its type is not at+jwt")
    _check_issuer_and_times(claims, expected)
    if expected.audience not in _audiences(claims):
        raise TokenRejectedError("it is for another audience")
    if claims.get("client_id") != expected.client_id:
        raise TokenRejectedError("it names another client")
    _text(claims, "jti")
    return AccessClaims(
        subject=_text(claims, "sub"),
        kid=str(header["kid"]),
        issued_at=_number(claims, "iat"),
        expires_at=_number(claims, "exp"),
        scope=frozenset(str(claims.get("scope", "")).split()),
        roles=frozenset(_texts(claims.get("roles", []))),
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
    audiences = _audiences(claims)
    if expected.client_id not in audiences:
        raise TokenRejectedError("it is for another client")
    if len(audiences) > 1 and claims.get("azp") != expected.client_id:
        raise TokenRejectedError("it has several audiences and another authorized party")
    if nonce is not None and claims.get("nonce") != nonce:
        raise TokenRejectedError("its nonce is not the one that was sent")
    digest = hashlib.sha256(access_token.encode()).digest()
    if claims.get("at_hash") != base64url(digest[: len(digest) // 2]):
        raise TokenRejectedError("its at_hash does not fit the access token")
    email = claims.get("email")
    return IdentityClaims(
        subject=_text(claims, "sub"),
        kid=str(header["kid"]),
        email=email if isinstance(email, str) else None,
    )


def read_header(token: str) -> Mapping[str, object]:
    """Return the header of a compact token, not verified; raises `TokenRejectedError`."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise TokenRejectedError("it is no compact JWS")
    return _json_object(parts[0], "header")


def _verify_signature(token: str, keys: KeyRing) -> tuple[Mapping[str, object], dict[str, Any]]:
    """Check algorithm, key id and signature, in this order, before anything else is read."""
    header = read_header(token)
    if header.get("alg") != _ALGORITHM:
        raise TokenRejectedError(f"its algorithm is not {_ALGORITHM}")
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys.keys:
        raise TokenRejectedError("its key id is not among the published keys")
    try:
        jws.deserialize_compact(token, keys.keys[kid], algorithms=[_ALGORITHM])
    except (JoseError, ValueError) as error:
        raise TokenRejectedError("its signature does not fit the published key") from error
    return header, _json_object(token.split(".")[1], "payload")


def _check_issuer_and_times(claims: Mapping[str, object], expected: Expectation) -> None:
    if claims.get("iss") != expected.issuer:
        raise TokenRejectedError("it is from another issuer")
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    if expires <= issued:
        raise TokenRejectedError("it expires before it was issued")
    if expires <= expected.now - expected.leeway_seconds:
        raise TokenRejectedError("it has expired")
    if issued > expected.now + expected.leeway_seconds:
        raise TokenRejectedError("it was issued in the future")
    if "nbf" in claims and _number(claims, "nbf") > expected.now + expected.leeway_seconds:
        raise TokenRejectedError("it is not valid yet")


def _json_object(part: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as error:
        raise TokenRejectedError(f"its {name} cannot be read") from error
    if not isinstance(value, dict):
        raise TokenRejectedError(f"its {name} is no JSON object")
    return value


def _audiences(claims: Mapping[str, object]) -> frozenset[str]:
    value = claims.get("aud")
    return frozenset(_texts([value] if isinstance(value, str) else value))


def _texts(value: object) -> Iterable[str]:
    if not isinstance(value, list):
        raise TokenRejectedError("a claim is no list of texts")
    return [str(entry) for entry in value]


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRejectedError(f"it has no claim {name}")
    return value


def _number(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRejectedError(f"it has no time {name}")
    return float(value)
