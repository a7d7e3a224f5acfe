"""`/oauth2/userinfo` (OIDC Core 1.0, section 5.3).

The endpoint takes every access token of this service whose scope holds `openid`, whatever its
audience: asking for that scope is asking for this endpoint.
"""

import falcon

from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.http.problems import ProblemError, store_unavailable
from ostiary.identity.keys.verification import TokenRefusedError, TokenVerifier
from ostiary.identity.oauth.bearer import (
    AccessToken,
    BearerRefusedError,
    read_bearer,
    verify_access_token,
    write_bearer_refusal,
)
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.minting import user_claims
from ostiary.identity.oauth.protocol.replies import (
    allow_any_origin,
    answer_preflight,
    write_oauth_problem,
)
from ostiary.identity.oauth.remembered import RememberedGrants
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.outcomes import Outcome


class UserinfoEndpoint:
    """Tells a client about the user who signed in."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        families: Families,
        verifier: TokenVerifier,
        grants: RememberedGrants,
    ) -> None:
        self._store = store
        self._grants = grants
        self._accounts = accounts
        self._families = families
        self._verifier = verifier

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may ask here."""
        answer_preflight(response, "GET, POST")

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer the user's claims, as far as the token's scope reaches."""
        allow_any_origin(response)
        try:
            token = self._verify(read_bearer(request))
            account = self._require_account(token)
        except BearerRefusedError as refused:
            write_bearer_refusal(request, response, refused)
        except StoreUnavailableError as error:
            write_oauth_problem(request, response, store_unavailable(error))
        except ProblemError as problem:
            write_oauth_problem(request, response, problem)
        else:
            response.set_header("cache-control", "no-store")
            response.media = user_claims(account, token.scopes)

    on_post = on_get

    def _verify(self, presented: str) -> AccessToken:
        """Check the token by itself; the store is not needed for that."""
        try:
            token = verify_access_token(self._verifier, presented)
        except TokenRefusedError as error:
            raise _invalid(error.outcome) from None
        if "openid" not in token.scopes:
            raise BearerRefusedError(
                403,
                Outcome.INSUFFICIENT_SCOPE,
                error="insufficient_scope",
                description="The token's scope does not hold openid.",
            )
        return token

    def _require_account(self, token: AccessToken) -> Account:
        """Return the user, if the grant still stands: revoking and disabling act at once."""
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
            raise _invalid(Outcome.USER_DISABLED)
        if account is None or not standing:
            raise _invalid(Outcome.INVALID_TOKEN)
        return account


def _invalid(outcome: Outcome) -> BearerRefusedError:
    expired = outcome is Outcome.EXPIRED
    return BearerRefusedError(
        401,
        outcome,
        error="invalid_token",
        description="The token has expired." if expired else "The token is not accepted.",
    )
