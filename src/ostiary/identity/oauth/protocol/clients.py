"""Clients as Authlib's core sees them, and how they prove who they are."""

from collections.abc import Callable
from typing import cast

from authlib.oauth2.rfc6749.authenticate_client import ClientAuthentication
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.models import ClientMixin
from authlib.oauth2.rfc6749.util import extract_basic_authorization

from ostiary.identity.clients.model import Client
from ostiary.identity.clients.redirect_uris import is_registered
from ostiary.identity.oauth.protocol.errors import ClientRefusedError
from ostiary.identity.oauth.protocol.requests import OAuthRequest

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]


class OAuthClient(ClientMixin):
    """A registered client, answering Authlib's questions."""

    def __init__(self, record: Client) -> None:
        self.record = record

    def get_client_id(self) -> str:
        """Return the client's id."""
        return self.record.client_id

    def get_default_redirect_uri(self) -> None:
        """Return nothing: a request must say where it wants its answer (OIDC Core, 3.1.2.1)."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return what of the requested scope the client may have, in the order requested.

        Unknown scopes are ignored (OIDC Core, section 3.1.2.1). A request that names none gets
        what the client has of its own.
        """
        if not scope:
            return " ".join(self.record.own_scopes)
        wanted = dict.fromkeys(scope.split())
        return " ".join(name for name in wanted if name in self.record.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether answers may go to that address."""
        return is_registered(
            redirect_uri, self.record.redirect_uris, any_loopback_port=self.record.is_public
        )

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether that is the client's secret."""
        return self.record.has_secret(client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Return whether the client may prove itself in that way at that endpoint."""
        if self.record.is_public:
            return method == "none" and endpoint == "token"
        return method in SECRET_METHODS

    def check_response_type(self, response_type: str) -> bool:
        """Return whether the client may ask for that at the authorization endpoint."""
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether the client was registered for a grant type."""
        return grant_type in self.record.grants


def authenticate_client(
    find: Callable[[str], OAuthClient | None],
    request: OAuthRequest,
    methods: list[str],
    endpoint: str,
) -> OAuthClient:
    """Return the client that a request proves to come from (RFC 6749, section 2.3).

    Raises `ClientRefusedError` when it proves nothing, `InvalidRequestError` when it tries two
    ways at once.
    """
    _check_one_method(request)
    try:
        client = ClientAuthentication(find)(request, methods, endpoint)
    except InvalidClientError:
        raise ClientRefusedError from None
    return cast("OAuthClient", client)


def _check_one_method(request: OAuthRequest) -> None:
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError:
        # Authlib lets base64 and UTF-8 errors of the header through.
        raise ClientRefusedError from None
    if client_id is None:
        return
    if secret and "client_secret" in request.parameters:
        raise InvalidRequestError("The client authenticates in two ways at once.")
    if request.parameters.get("client_id", client_id) != client_id:
        raise InvalidRequestError("The form names another client than the Authorization header.")
