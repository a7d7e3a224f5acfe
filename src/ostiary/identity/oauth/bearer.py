"""Access tokens that are presented: reading the header, checking the token, refusing it."""

from dataclasses import dataclass
from typing import Any

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.keys.verification import (
    TokenRefusedError,
    TokenType,
    TokenVerifier,
    VerifiedClaims,
)
from ostiary.identity.oauth.minting import GRANT_ID_CLAIM
from ostiary.kernel.outcomes import Outcome

_REALM = 'Bearer realm="ostiary"'


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified access token (RFC 9068, section 2.2). Times are Unix seconds.

    `grant_id` is None where a client acts for itself. `claims` is all that it says.
    """

    subject: str
    client_id: str
    audiences: frozenset[str]
    scopes: frozenset[str]
    grant_id: str | None
    claims: dict[str, Any]


class BearerRefusedError(Exception):
    """A protected resource is refused (RFC 6750, section 3.1). `error` is None without a token."""

    def __init__(
        self, status: int, outcome: Outcome, *, error: str | None = None, description: str = ""
    ) -> None:
        super().__init__(description or outcome.value)
        self.status = status
        self.outcome = outcome
        self.error = error
        self.description = description


def read_bearer(request: falcon.Request) -> str:
    """Return the token in the Authorization header, the only place where one is accepted.

    Raises `BearerRefusedError` 401 without a code when there is none: nothing was presented, so
    nothing was wrong with it.
    """
    scheme, _, token = (request.auth or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BearerRefusedError(401, Outcome.NO_CREDENTIALS)
    return token.strip()


def verify_access_token(verifier: TokenVerifier, token: str) -> AccessToken:
    """Return what an access token says. Raises `TokenRefusedError`, `StoreUnavailableError`."""
    claims = verifier.verify(token, TokenType.ACCESS)
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        raise TokenRefusedError("no audience")
    grant_id = claims.get(GRANT_ID_CLAIM)
    if grant_id is not None and not isinstance(grant_id, str):
        raise TokenRefusedError("a grant that cannot be")
    return AccessToken(
        subject=_text(claims, "sub"),
        client_id=_text(claims, "client_id"),
        audiences=frozenset(audiences),
        scopes=frozenset(_text(claims, "scope").split()),
        grant_id=grant_id,
        claims=dict(claims),
    )


def write_bearer_refusal(
    request: falcon.Request, response: falcon.Response, refused: BearerRefusedError
) -> None:
    """Write a refusal with its challenge (RFC 6750, section 3)."""
    context_of(request).outcome = refused.outcome
    response.status = falcon.code_to_http_status(refused.status)
    challenge = _REALM
    if refused.error is not None:
        challenge += f', error="{refused.error}", error_description="{refused.description}"'
    if refused.outcome is Outcome.INSUFFICIENT_SCOPE:
        challenge += ', scope="openid"'
    response.set_header("www-authenticate", challenge)
    response.set_header("cache-control", "no-store")
    response.media = {
        "error": refused.error or "no_credentials",
        "error_description": refused.description or "An access token is needed here.",
    }


def _text(claims: VerifiedClaims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise TokenRefusedError(f"no claim {name}")
    return value
