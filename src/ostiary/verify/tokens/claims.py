"""What an access token has to say (RFC 9068, section 2.2, and section 4 for its checks)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.verify.errors import Reason, TokenRefusedError
from ostiary.verify.principal import Principal
from ostiary.verify.tokens.compact import read_token_object

_UNIX_SECONDS_MAX = 2**53
_TEXT = frozenset({str})


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token is compared with. `roles_claim` is the way to the roles, name by name."""

    issuer: str
    audiences: frozenset[str]
    leeway_seconds: float
    roles_claim: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Validity:
    """When a token counts, in Unix seconds, the leeway included: from `begins` until `ends`."""

    begins: float
    ends: float

    def check(self, now: float) -> None:
        """Raise `TokenRefusedError` outside of it. The moment `ends` is outside."""
        if now >= self.ends:
            raise TokenRefusedError(Reason.EXPIRED)
        if now < self.begins:
            raise TokenRefusedError(Reason.NOT_YET)


def read_claims(payload: bytes, expected: Expected) -> tuple[Principal, Validity]:
    """Return whom a token's payload speaks of, and when it counts. Raises `TokenRefusedError`.

    Neither the signature nor the time is checked here.
    """
    claims = read_token_object(payload)
    if claims.get("iss") != expected.issuer:
        raise TokenRefusedError(Reason.ISSUER)
    audiences = _audiences(claims)
    if audiences.isdisjoint(expected.audiences):
        raise TokenRefusedError(Reason.AUDIENCE)
    _text(claims, "jti")
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    begins = max(issued, _time(claims, "nbf")) if "nbf" in claims else issued
    scope = _text(claims, "scope", required=False)
    principal = Principal(
        subject=_text(claims, "sub"),
        client_id=_text(claims, "client_id"),
        scopes=frozenset(scope.split()),
        roles=_roles(claims, expected.roles_claim),
        audiences=audiences,
        expires_at=expires,
        payload=payload,
    )
    leeway = expected.leeway_seconds
    return principal, Validity(begins - leeway, expires + leeway)


def _text(claims: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    """Return a text that can be stored, compared and logged anywhere."""
    value = claims.get(name, None if required else "")
    if not isinstance(value, str) or (required and not value) or not value.isprintable():
        raise TokenRefusedError(Reason.CLAIM, name)
    return value


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    value = claims.get("aud")
    return frozenset(_texts([value] if isinstance(value, str) else value, "aud"))


def _roles(claims: Mapping[str, Any], way: tuple[str, ...]) -> frozenset[str]:
    """Return the roles (RFC 9068, section 2.2.3.1), none where the claim is not there."""
    value: Any = claims
    for name in way:
        if not isinstance(value, Mapping):
            raise TokenRefusedError(Reason.CLAIM, way[0])
        if name not in value:
            return frozenset()
        value = value[name]
    return frozenset(_texts(value, way[0]))


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or not _TEXT.issuperset(map(type, value)):
        raise TokenRefusedError(Reason.CLAIM, name)
    return value


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Return a NumericDate (RFC 7519, section 2) that can be compared safely."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefusedError(Reason.CLAIM, name)
    if not 0 <= value <= _UNIX_SECONDS_MAX:
        raise TokenRefusedError(Reason.CLAIM, name)
    return float(value)
