"""`POST /oauth2/introspect` (RFC 7662).

A client may ask about tokens that were issued to it, and about tokens for an audience that it was
registered with: that is how a resource server says which tokens are meant for it. About all
others it learns that they are not active, which is what it must do with them.
"""

from dataclasses import dataclass, replace
from typing import Any

import falcon
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from ostiary.identity.clients.model import Client
from ostiary.identity.clients.storage import Clients
from ostiary.identity.http.context import context_of
from ostiary.identity.http.forms import read_form
from ostiary.identity.http.problems import ProblemError, store_unavailable
from ostiary.identity.keys.verification import TokenRefusedError
from ostiary.identity.oauth.access_tokens import AccessTokens
from ostiary.identity.oauth.audiences import Audiences
from ostiary.identity.oauth.bearer import AccessToken
from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.model import hash_token
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.oauth.protocol.clients import SECRET_METHODS, OAuthClient
from ostiary.identity.oauth.protocol.replies import Reply, write_oauth_problem, write_reply
from ostiary.identity.oauth.protocol.requests import OAuthRequest
from ostiary.identity.oauth.protocol.server import OAuthServer
from ostiary.identity.oauth.remembered import RememberedGrants
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome

_TOLD_CLAIMS = (
    *("iss", "aud", "sub", "client_id", "scope", "exp", "iat", "jti"),
    *("roles", "auth_time"),
)


@dataclass(frozen=True, slots=True)
class IntrospectionServices:
    """What introspection works with."""

    tokens: AccessTokens
    clock: Clock
    issuer: str
    audiences: Audiences
    clients: Clients
    families: Families
    grants: RememberedGrants
    refresh_tokens: RefreshTokens


class TokenIntrospection(IntrospectionEndpoint):
    """Authlib's endpoint, answering for this service's tokens."""

    CLIENT_AUTH_METHODS = SECRET_METHODS

    def __init__(self, services: IntrospectionServices) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._services = services

    def authenticate_token(self, request: OAuthRequest, client: OAuthClient) -> dict[str, Any]:
        """Return what the client may know of the token; for Authlib.

        A hint is only a hint (section 2.1): the text itself tells what kind of token it is.
        """
        presented = request.parameters.get("token")
        if not presented:
            raise InvalidRequestError("The token is missing.")
        try:
            if "." in presented:
                return self._describe_access_token(request, client.record, presented)
            return self._describe_refresh_token(request, client.record, presented)
        except TokenRefusedError as error:
            # The status is 200 whatever the token. For the edge it is a refusal nevertheless: a
            # release that takes good tokens for bad ones must get a second opinion.
            request.outcome = error.outcome
            return {"active": False}

    def create_introspection_payload(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return the description as it is, for Authlib."""
        return token

    def _describe_access_token(
        self, request: OAuthRequest, client: Client, presented: str
    ) -> dict[str, Any]:
        token = self._services.tokens.verify(presented)
        meant = self._services.audiences.is_meant(client, token.audiences)
        if token.client_id != client.client_id and not meant:
            raise TokenRefusedError("a token that is not for this client")
        if not self._stands(request, client, token):
            raise TokenRefusedError("a token of a grant that was revoked")
        told = {name: token.claims[name] for name in _TOLD_CLAIMS if name in token.claims}
        return {"active": True, "token_type": "Bearer", **told}

    def _stands(self, request: OAuthRequest, client: Client, token: AccessToken) -> bool:
        """Tell whether the token's grant stands; from memory where the store is away."""
        reading = request.reading
        if reading is None:
            return self._services.grants.stands(token)
        if token.grant_id is not None:
            moment = self._services.grants.moment(token)
            standing = self._services.families.is_standing_for(reading, token.grant_id)
            self._services.grants.remember(token, standing=standing, since=moment)
            return standing
        if token.client_id == client.client_id:
            return True
        return self._services.clients.find_for(reading, token.client_id) is not None

    def _describe_refresh_token(
        self, request: OAuthRequest, client: Client, presented: str
    ) -> dict[str, Any]:
        if request.reading is None:
            # Whether it was used meanwhile is known to the store alone.
            raise StoreUnavailableError("a refresh token was asked about")
        connection = request.open_connection
        token = self._services.refresh_tokens.find(connection, hash_token(presented))
        if token is None:
            raise TokenRefusedError("an unknown refresh token")
        family = self._services.families.find(connection, token.family_id)
        if family is None or family.client_id != client.client_id:
            raise TokenRefusedError("a refresh token of another client")
        if token.expires_at <= to_unix(self._services.clock.now()):
            raise TokenRefusedError("expired", outcome=Outcome.EXPIRED)
        if token.rotated_ms is not None:
            raise TokenRefusedError("a refresh token that was used")
        if not self._services.families.is_standing(connection, family.id):
            raise TokenRefusedError("a refresh token of a grant that was revoked")
        return {
            "active": True,
            "token_type": "refresh_token",
            "iss": self._services.issuer,
            "sub": family.user_id,
            "client_id": family.client_id,
            "scope": family.scope,
            "exp": token.expires_at,
        }


class IntrospectionResource:
    """The endpoint on the HTTP side."""

    def __init__(self, server: OAuthServer, *, snapshot: str) -> None:
        self._server = server
        self._snapshot = snapshot

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Tell a client about a token."""
        try:
            asked = OAuthRequest(request, read_form(request), snapshot=self._snapshot)
            reply = self._ask(asked)
        except StoreUnavailableError as error:
            write_oauth_problem(request, response, store_unavailable(error))
        except ProblemError as problem:
            write_oauth_problem(request, response, problem)
        else:
            if asked.outcome is not None:
                reply = replace(reply, outcome=asked.outcome)
            if reply.outcome is Outcome.OK:
                context_of(request).subject = asked.subject
            write_reply(request, response, reply)

    def _ask(self, asked: OAuthRequest) -> Reply:
        name = TokenIntrospection.ENDPOINT_NAME
        try:
            return self._server.run_endpoint(name, asked)
        except StoreUnavailableError as error:
            if error.is_busy:
                raise
            return self._server.run_endpoint_from_memory(name, asked)
