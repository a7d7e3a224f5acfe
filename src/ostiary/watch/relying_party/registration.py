"""Who the relying party is at the provider, and one request it makes (OIDC Core, section 3.1.2)."""

import base64
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ostiary.kernel.ids import Random

DEFAULT_SCOPE = "openid profile email offline_access"


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as the provider knows it. A public client has no secret.

    `audience` is None for a client whose tokens are for the provider's default audience.
    """

    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    audience: str | None
    scope: str = DEFAULT_SCOPE


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The values of one request that must come back, or be proven, later."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def fresh(cls, rng: Random) -> "AuthorizationRequest":
        """Return a request with new values; the verifier has 256 bits (RFC 7636, section 7.1)."""
        return cls(rng.token(16), rng.token(16), rng.token(32))

    @property
    def challenge(self) -> str:
        """Return the S256 code challenge of the verifier (RFC 7636, section 4.2)."""
        return base64url(hashlib.sha256(self.verifier.encode()).digest())

    def location(self, endpoint: str, registration: Registration, **changed: str | None) -> str:
        """Return the address that asks for a code; in `changed`, None drops a parameter."""
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": registration.client_id,
            "redirect_uri": registration.redirect_uri,
            "scope": registration.scope,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        parameters.update(changed)
        kept = {name: value for name, value in parameters.items() if value is not None}
        separator = "&" if "?" in endpoint else "?"
        return f"{endpoint}{separator}{urlencode(kept)}"


def base64url(content: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
