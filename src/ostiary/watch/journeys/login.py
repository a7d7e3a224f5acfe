"""A login that has been completed and verified."""

from dataclasses import dataclass, field

from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.grants import TokenSet
from ostiary.watch.relying_party.registration import AuthorizationRequest
from ostiary.watch.relying_party.tokens import AccessClaims, IdentityClaims


@dataclass(frozen=True, slots=True)
class Login:
    """A completed login: the device with its session, and what was granted and verified."""

    browser: Browser
    code: str = field(repr=False)
    request: AuthorizationRequest
    tokens: TokenSet
    access: AccessClaims
    identity: IdentityClaims

    @property
    def refresh_token(self) -> str:
        """Return the refresh token, which a login must have brought."""
        assert self.tokens.refresh_token is not None  # noqa: S101 - checked when it was granted
        return self.tokens.refresh_token
