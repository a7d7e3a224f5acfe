"""What the grants of the token endpoint work with."""

from dataclasses import dataclass, field

from authlib.oauth2.rfc6749.grants import BaseGrant

from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.clients.model import Client
from ostiary.identity.mail.writing import Mails
from ostiary.identity.oauth.grants.codes import Codes
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.oauth.minting import Minter
from ostiary.identity.oauth.protocol.clients import SECRET_METHODS
from ostiary.identity.oauth.protocol.errors import GrantRefusedError
from ostiary.identity.oauth.protocol.requests import OAuthRequest
from ostiary.kernel.clock import Clock, to_unix, to_unix_ms
from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import Outcome

_REFRESH_TOKEN_BYTES = 32
_ALL_METHODS = ["none", *SECRET_METHODS]


@dataclass(frozen=True, slots=True)
class TokenServices:
    """Collaborators and settings of all grants. `refresh_token_seconds` is a token's life."""

    accounts: Accounts
    minter: Minter
    clock: Clock
    rng: Random
    mails: Mails
    refresh_token_seconds: int
    audit: AuditLog = field(default_factory=AuditLog)
    codes: Codes = field(default_factory=Codes)
    families: Families = field(default_factory=Families)
    refresh_tokens: RefreshTokens = field(default_factory=RefreshTokens)

    def now(self) -> int:
        """Return the time in Unix seconds."""
        return to_unix(self.clock.now())

    def now_ms(self) -> int:
        """Return the time in Unix milliseconds."""
        return to_unix_ms(self.clock.now())

    def new_refresh_token(self) -> str:
        """Return a refresh token of 256 random bits."""
        return self.rng.token(_REFRESH_TOKEN_BYTES)

    def require_user(self, request: OAuthRequest, user_id: str) -> Account:
        """Return the user of a grant; raises `GrantRefusedError` where they may not go on."""
        account = self.accounts.get(request.open_connection, user_id)
        if account is None:
            raise GrantRefusedError("There is no such user any longer.")
        if account.disabled:
            raise GrantRefusedError("The user is disabled.", outcome=Outcome.USER_DISABLED)
        return account


class ServiceGrant(BaseGrant):
    """Base of this service's grants: Authlib's, with the request and services at hand.

    `services` is set on a subclass per server: Authlib makes one instance of it per request.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = _ALL_METHODS
    services: TokenServices
    request: OAuthRequest

    @property
    def record(self) -> Client:
        """Return the client as it was registered."""
        client: Client = self.client.record
        return client
