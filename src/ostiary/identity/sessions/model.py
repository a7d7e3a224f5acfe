"""What a session is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser.

    `session_hash` is the SHA-256 of the cookie's secret; the secret itself is not stored.
    `created_at` is when the person proved the password (`auth_time` in OpenID Connect Core 1.0,
    section 2), in Unix seconds like `expires_at`.
    """

    session_hash: str
    user_id: str
    created_at: int
    expires_at: int
    minted_by: str
