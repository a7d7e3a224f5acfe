"""A client acting for itself (RFC 6749, section 4.4): one read, one signature, nothing written."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from ostiary.identity.oauth.protocol.clients import SECRET_METHODS
from ostiary.identity.oauth.token.services import ServiceGrant


class ClientActsForItself(ServiceGrant, ClientCredentialsGrant):
    """Authlib's client credentials grant. There is no refresh token: the secret is as good."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRET_METHODS

    def validate_requested_scope(self) -> None:
        """Refuse scopes that the client was not registered for.

        The standard scopes speak about a user, and here is none.
        """
        asked = (self.request.parameters.get("scope") or "").split()
        if not set(asked) <= set(self.record.own_scopes):
            raise InvalidScopeError("The client may not have one of these scopes for itself.")
        self.request.scope = " ".join(dict.fromkeys(asked or self.record.own_scopes))

    def generate_token(self, *_args: object, **_kwargs: object) -> dict[str, Any]:
        """Return the token response."""
        return self.services.minter.mint_token_response(self.record, self.request.scope, None)
