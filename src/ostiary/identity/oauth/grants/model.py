"""Codes, grant families and refresh tokens as the store keeps them.

Times are Unix seconds, those that end in `_ms` milliseconds. Codes and refresh tokens are kept as
SHA-256 only: they carry 256 random bits, so nothing can be guessed from a copy of the store.
"""

import hashlib
from dataclasses import dataclass


def hash_token(token: str) -> str:
    """Return the name under which the store knows a code or refresh token."""
    return hashlib.sha256(token.encode()).hexdigest()


def milliseconds(exact: int | None, seconds: int | None) -> int | None:
    """Return a moment in Unix milliseconds, where an older release wrote whole seconds only.

    Its second's beginning is taken then: no request that came later counts as earlier.
    """
    if exact is None and seconds is not None:
        return seconds * 1000
    return exact


@dataclass(frozen=True, slots=True)
class StoredCode:
    """An authorization code and what it was issued for (RFC 6749, section 4.1.2).

    `code_challenge` is of method S256 (RFC 7636). `family_id` is what it was redeemed for, at
    `consumed_ms` (Unix milliseconds).
    """

    code_hash: str
    client_id: str
    user_id: str
    session_hash: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    auth_time: int
    expires_at: int
    consumed_by_request: str | None = None
    consumed_ms: int | None = None
    family_id: str | None = None

    def get_redirect_uri(self) -> str:
        """Return the address the code was sent to; Authlib compares it."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the granted scope, for Authlib."""
        return self.scope


@dataclass(frozen=True, slots=True)
class Family:
    """One sign-in at one client, and all tokens that descend from it."""

    id: str
    client_id: str
    user_id: str
    session_hash: str
    scope: str
    auth_time: int
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class StoredRefreshToken:
    """One refresh token. `parent_hash` is the token it replaced, None for a family's first.

    `rotated_ms` is when it was replaced, in Unix milliseconds; None while it is good.
    """

    token_hash: str
    family_id: str
    parent_hash: str | None
    issued_by_request: str
    expires_at: int
    rotated_ms: int | None = None
