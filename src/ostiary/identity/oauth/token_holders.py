"""Who stands behind an access token at this very moment.

A token proves itself by its signature. Whether its grant still stands and its user may still act
only the store knows, so that revoking and disabling act at once; while the store is away, what it
said lately counts.
"""

from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.clients.storage import Clients
from ostiary.identity.keys.verification import TokenRefusedError
from ostiary.identity.oauth.access_tokens import AccessTokens
from ostiary.identity.oauth.bearer import AccessToken, BearerRefusedError
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.remembered import RememberedGrants
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.outcomes import Outcome


class TokenHolders:
    """Verifies access tokens and finds the users who granted them."""

    def __init__(
        self,
        store: Store,
        tokens: AccessTokens,
        grants: RememberedGrants,
        clients: Clients,
    ) -> None:
        self._store = store
        self._accounts = Accounts()
        self._families = Families()
        self._tokens = tokens
        self._grants = grants
        self._clients = clients

    def verify(self, presented: str) -> AccessToken:
        """Check a token by itself; the store is not needed. Raises `BearerRefusedError`."""
        try:
            return self._tokens.verify(presented)
        except TokenRefusedError as error:
            raise invalid_token(error.outcome) from None

    def require_account(self, token: AccessToken) -> Account:
        """Return the user, if the grant still stands: revoking and disabling act at once.

        Raises `BearerRefusedError`, and `StoreUnavailableError` where nothing is known of late.
        """
        moment = self._grants.moment(token)
        try:
            with self._store.for_request() as reading:
                account = reading.ask(
                    ("account", token.subject),
                    lambda connection: self._accounts.get(connection, token.subject),
                )
                standing = token.grant_id is not None and self._families.is_standing_for(
                    reading, token.grant_id
                )
        except StoreUnavailableError as error:
            if error.is_busy:
                raise
            account = self._grants.recall_account(token.subject)
            standing = self._grants.stands(token)
        else:
            self._grants.remember(token, standing=standing, since=moment, account=account)
        if account is not None and account.disabled:
            raise invalid_token(Outcome.USER_DISABLED)
        if account is None or not standing:
            raise invalid_token(Outcome.INVALID_TOKEN)
        return account

    def require_client(self, token: AccessToken) -> None:
        """Require that the client of a token without a user is still registered.

        Raises `BearerRefusedError`, and `StoreUnavailableError` as above.
        """
        try:
            with self._store.for_request() as reading:
                stands = self._clients.find_for(reading, token.client_id) is not None
        except StoreUnavailableError as error:
            if error.is_busy:
                raise
            stands = self._grants.stands(token)
        if not stands:
            raise invalid_token(Outcome.INVALID_TOKEN)


def invalid_token(outcome: Outcome) -> BearerRefusedError:
    """Return the refusal of a token that was presented (RFC 6750, section 3.1)."""
    expired = outcome is Outcome.EXPIRED
    return BearerRefusedError(
        401,
        outcome,
        error="invalid_token",
        description="The token has expired." if expired else "The token is not accepted.",
    )
