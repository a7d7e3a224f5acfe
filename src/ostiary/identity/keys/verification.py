"""Verifying tokens that somebody presents.

A token that cannot be read, is signed by nobody known here, or has a wrong signature is the fault
of whoever presents it: `invalid_token`, or `expired`. `key_unknown` and `bad_signature` are kept
for this service failing with its own keys (see `signing`). Whatever is presented, the answer is
a refusal, or 503 when the store is needed and away; never a 500.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, NewType

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.compact import MalformedTokenError, decode, read_object, split
from ostiary.identity.keys.ring import KeyRing
from ostiary.kernel.clock import Clock
from ostiary.kernel.outcomes import Outcome

VerifiedClaims = NewType("VerifiedClaims", dict[str, Any])
"""Claims whose signature, issuer and times have been checked."""

_ALGORITHMS = tuple(Algorithm)
_HEADERS = JWSRegistry()
_UNIX_SECONDS_MAX = 2**53
SEEN_MAX = 4096
"""How many tokens are kept whose signature was good; then all are forgotten."""


class TokenType(StrEnum):
    """Header `typ`: it keeps one kind of token from passing for another (RFC 8725, 3.11)."""

    ACCESS = "at+jwt"
    ID = "JWT"


class TokenRefusedError(Exception):
    """A presented token is not accepted. `outcome` is `invalid_token` or `expired`."""

    def __init__(self, reason: str, *, outcome: Outcome = Outcome.INVALID_TOKEN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outcome = outcome


class TokenVerifier:
    """Checks tokens by all keys that are published."""

    def __init__(self, ring: KeyRing, clock: Clock, *, issuer: str, leeway_seconds: int) -> None:
        self._ring = ring
        self._clock = clock
        self._issuer = issuer
        self._leeway_seconds = leeway_seconds
        self._seen: dict[tuple[TokenType, bytes], tuple[str, dict[str, Any]]] = {}

    def verify(
        self, token: str, token_type: TokenType, *, accept_expired: bool = False
    ) -> VerifiedClaims:
        """Return the claims of a token of that type.

        Audience and meaning are the caller's to check. Raises `TokenRefusedError`, and
        `StoreUnavailableError` as `KeyRing.find` does.
        """
        try:
            claims = self._signed_claims(token, token_type)
        except MalformedTokenError as error:
            raise TokenRefusedError(str(error)) from None
        if claims.get("iss") != self._issuer:
            raise TokenRefusedError("another issuer")
        self._check_times(claims, accept_expired=accept_expired)
        return VerifiedClaims(claims)

    def _signed_claims(self, token: str, token_type: TokenType) -> dict[str, Any]:
        """Return what a token says whose signature is good.

        Whoever checks tokens asks about the same one again and again. A signature that was good is
        good for ever; whether its key is still published is looked up each time.
        """
        header_part, payload_part, _ = split(token)
        digest = (token_type, sha256(token.encode()).digest())
        seen = self._seen.get(digest)
        if seen is not None and self._ring.find(seen[0]) is not None:
            return dict(seen[1])
        header = read_object(header_part)
        _check_header(header, token_type)
        self._check_signature(token, header)
        claims = read_object(payload_part)
        if len(self._seen) >= SEEN_MAX:
            self._seen = {}
        self._seen[digest] = (str(header["kid"]), claims)
        return dict(claims)

    def _check_signature(self, token: str, header: Mapping[str, Any]) -> None:
        """Verify by the algorithm of the key that is named, never by one that the header chose."""
        key = self._ring.find(str(header["kid"]))
        if key is None:
            raise TokenRefusedError("an unknown key")
        if header["alg"] != key.algorithm:
            raise TokenRefusedError("an algorithm that its key is not for")
        signed, _, signature = token.rpartition(".")
        if not key.verifies(signed.encode(), decode(signature)):
            raise TokenRefusedError("a wrong signature")

    def _check_times(self, claims: Mapping[str, Any], *, accept_expired: bool) -> None:
        """Compare times with the clock; the leeway forgives clocks that differ."""
        now = self._clock.now().timestamp()
        issued, expires = _time(claims, "iat"), _time(claims, "exp")
        not_before = _time(claims, "nbf") if "nbf" in claims else issued
        if max(issued, not_before) > now + self._leeway_seconds:
            raise TokenRefusedError("not valid yet")
        if expires + self._leeway_seconds <= now and not accept_expired:
            raise TokenRefusedError("expired", outcome=Outcome.EXPIRED)


def _check_header(header: Mapping[str, Any], token_type: TokenType) -> None:
    """Check what decides how the rest is read (RFC 8725, section 3.1)."""
    if header.get("alg") not in _ALGORITHMS:
        raise TokenRefusedError("another algorithm")
    if header.get("typ") != token_type.value:
        raise TokenRefusedError("another type of token")
    if not isinstance(header.get("kid"), str):
        raise TokenRefusedError("no key id")
    if "crit" in header:
        # Nothing critical is understood here (RFC 7515, section 4.1.11).
        raise TokenRefusedError("an unknown critical header")
    try:
        _HEADERS.check_header(dict(header))
    except (JoseError, ValueError, TypeError):
        raise TokenRefusedError("a header that cannot be") from None


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate (RFC 7519, section 2) that can be compared safely."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefusedError(f"no time {name}")
    if not 0 <= value <= _UNIX_SECONDS_MAX:
        raise TokenRefusedError(f"a time {name} that cannot be")
    return float(value)
