"""What a client is (RFC 6749, section 2)."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

STANDARD_SCOPES = ("openid", "profile", "email", "offline_access")
"""Scopes with a meaning of their own (OIDC Core 1.0, sections 5.4 and 11)."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


def is_client_id(text: str) -> bool:
    """Return whether a text can name a client.

    Unreserved characters only (RFC 3986, section 2.3): such an id means the same in a URI, in a
    form and in HTTP Basic.
    """
    return _CLIENT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Client:
    """One registered application.

    A client without a secret is public. `audience` is None where its tokens are for the service's
    default audience. `access_token_seconds` overrides the setting, for probes only. `created_at`
    is in Unix seconds.
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    grants: frozenset[str]
    scopes: tuple[str, ...]
    audience: str | None
    access_token_seconds: int | None
    probe: bool
    created_at: int
    secret_hash: str | None = field(repr=False)

    @property
    def is_public(self) -> bool:
        """Return whether the client cannot keep a secret (RFC 6749, section 2.1)."""
        return self.secret_hash is None

    def has_secret(self, presented: str) -> bool:
        """Return whether `presented` is the client's secret, in constant time."""
        if self.secret_hash is None:
            return False
        return hmac.compare_digest(self.secret_hash, hash_secret(presented))

    @property
    def own_scopes(self) -> tuple[str, ...]:
        """Return the scopes beyond the standard ones, which need no user to mean something."""
        return tuple(scope for scope in self.scopes if scope not in STANDARD_SCOPES)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of a client secret, in hexadecimal.

    A password hash would be wrong here. Secrets are made by this service and carry 256 random
    bits, so there is nothing to guess, and a slow hash on every token request would let a few
    machine clients exhaust the replica.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
