"""Authlib's authorization server, bound to this service."""

from collections.abc import Callable
from typing import Any, cast

from authlib.oauth2.rfc6749.authorization_server import AuthorizationServer
from authlib.oauth2.rfc6749.errors import OAuth2Error, UnsupportedGrantTypeError

from ostiary.identity.clients.storage import Clients
from ostiary.identity.oauth.protocol.clients import OAuthClient, authenticate_client
from ostiary.identity.oauth.protocol.errors import SimpleError, outcome_of, with_reason
from ostiary.identity.oauth.protocol.replies import Reply
from ostiary.identity.oauth.protocol.requests import OAuthRequest
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.outcomes import Outcome


class OAuthServer(AuthorizationServer):
    """Runs grants and endpoints. Thread-safe once everything is registered.

    Grants write nothing while they run: they read inside one transaction, sign, and leave what
    they want written in `OAuthRequest.pending`. So nothing is used up when signing fails, and
    write transactions are short.
    """

    def __init__(self, store: Store, clients: Clients) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._store = store
        self._clients = clients

    def run_token_request(self, request: OAuthRequest) -> Reply:
        """Answer a token request."""
        return self._run(request, self.create_token_response)

    def run_endpoint(self, name: str, request: OAuthRequest) -> Reply:
        """Answer a request to a registered endpoint."""

        def answer(asked: OAuthRequest) -> object:
            return self.create_endpoint_response(name, asked)  # type: ignore[no-untyped-call]

        return self._run(request, answer)

    def run_endpoint_from_memory(self, name: str, request: OAuthRequest) -> Reply:
        """Answer a request to a registered endpoint while the store is away.

        Raises `StoreUnavailableError` where what is remembered does not suffice.
        """
        request.reading = None
        reply = self.create_endpoint_response(name, request)  # type: ignore[no-untyped-call]
        return cast("Reply", reply)

    def find_client(self, client_id: str) -> OAuthClient | None:
        """Return a client by its id; while the store is away, as it was a moment ago."""
        try:
            with self._store.for_request() as reading:
                client = self._clients.find_for(reading, client_id)
        except StoreUnavailableError as error:
            if error.is_busy:
                raise
            client = self._clients.recall(client_id)
        return None if client is None else OAuthClient(client)

    def _run(self, request: OAuthRequest, answer: Callable[[OAuthRequest], object]) -> Reply:
        with self._store.for_request() as reading:
            request.reading = reading
            reply = cast("Reply", answer(request))
        request.reading = None
        if request.pending is None:
            return reply
        with self._store.write() as connection:
            error = request.pending(connection)
        return reply if error is None else self.handle_error_response(request, error)

    # What follows is called by Authlib.

    def query_client(self, client_id: str) -> OAuthClient | None:
        """Return a client by its id."""
        return self.find_client(client_id)

    def authenticate_client(
        self, request: OAuthRequest, methods: list[str], endpoint: str = "token"
    ) -> OAuthClient:
        """Return the client that a request comes from, read in the request's transaction."""

        def find(client_id: str) -> OAuthClient | None:
            if request.reading is None:
                return OAuthClient(self._clients.recall(client_id))
            client = self._clients.find_for(request.reading, client_id)
            return None if client is None else OAuthClient(client)

        return authenticate_client(find, request, methods, endpoint)

    def create_oauth2_request(self, request: OAuthRequest) -> OAuthRequest:
        """Return the request: it was made from Falcon's before."""
        return request

    def save_token(self, token: dict[str, Any], request: OAuthRequest) -> None:
        """Save nothing here: grants leave their writes in `OAuthRequest.pending`."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Tell nobody: nothing listens to Authlib's signals."""

    def handle_response(
        self, status: int, body: dict[str, Any] | str, headers: list[tuple[str, str]]
    ) -> Reply:
        """Return a success."""
        return Reply(status, body, tuple(headers), Outcome.OK)

    def handle_error_response(self, _request: OAuthRequest, error: OAuth2Error) -> Reply:
        """Return an error with its outcome."""
        if isinstance(error, UnsupportedGrantTypeError):
            # Authlib would repeat what was sent, in characters that the protocol forbids.
            error = SimpleError("unsupported_grant_type", "That grant_type is not supported.")
        status, body, headers = with_reason(error)()
        return Reply(status, body, tuple(headers), outcome_of(error))
