"""`/oauth2/userinfo` (OIDC Core 1.0, section 5.3).

The endpoint takes every access token of this service whose scope holds `openid`, whatever its
audience: asking for that scope is asking for this endpoint.
"""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.problems import ProblemError, store_unavailable
from ostiary.identity.oauth.bearer import (
    AccessToken,
    BearerRefusedError,
    read_bearer,
    write_bearer_refusal,
)
from ostiary.identity.oauth.minting import user_claims
from ostiary.identity.oauth.protocol.replies import (
    allow_any_origin,
    answer_preflight,
    write_oauth_problem,
)
from ostiary.identity.oauth.token_holders import TokenHolders
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.outcomes import Outcome


class UserinfoEndpoint:
    """Tells a client about the user who signed in."""

    def __init__(self, holders: TokenHolders) -> None:
        self._holders = holders

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may ask here."""
        answer_preflight(response, "GET, POST")

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer the user's claims, as far as the token's scope reaches."""
        allow_any_origin(response)
        try:
            token = self._verify(read_bearer(request))
            account = self._holders.require_account(token)
        except BearerRefusedError as refused:
            write_bearer_refusal(request, response, refused)
        except StoreUnavailableError as error:
            write_oauth_problem(request, response, store_unavailable(error))
        except ProblemError as problem:
            write_oauth_problem(request, response, problem)
        else:
            response.set_header("cache-control", "no-store")
            context_of(request).subject = account.id
            response.media = user_claims(account, token.scopes)

    on_post = on_get

    def _verify(self, presented: str) -> AccessToken:
        """Check the token by itself; the store is not needed for that."""
        token = self._holders.verify(presented)
        if "openid" not in token.scopes:
            raise BearerRefusedError(
                403,
                Outcome.INSUFFICIENT_SCOPE,
                error="insufficient_scope",
                description="The token's scope does not hold openid.",
            )
        return token
