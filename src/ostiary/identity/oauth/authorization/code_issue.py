"""Issuing an authorization code (RFC 6749, section 4.1.2)."""

from authlib.oauth2.rfc6749.errors import UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant

from ostiary.identity.oauth.grants.codes import Codes
from ostiary.identity.oauth.grants.model import StoredCode, hash_token
from ostiary.identity.oauth.protocol.clients import OAuthClient
from ostiary.identity.oauth.protocol.requests import OAuthRequest
from ostiary.identity.sessions.model import Session
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random

_CODE_BYTES = 32


class CodeIssue(AuthorizationCodeGrant):
    """The authorization side of Authlib's code grant.

    Client and redirect address were found before the grant is made, because their errors must
    not be redirected anywhere.
    """

    request: OAuthRequest

    def validate_authorization_request(self) -> str:
        """Check what is left, extensions included; raises `OAuth2Error` for the client to see."""
        redirect_uri = self.request.parameters["redirect_uri"]
        client: OAuthClient = self.client
        if not client.check_response_type("code"):
            raise UnauthorizedClientError("The client may not use this flow.")
        self.request.scope = client.get_allowed_scope(self.request.parameters.get("scope"))
        hook = "after_validate_authorization_request_payload"
        self.execute_hook(hook, redirect_uri)  # type: ignore[no-untyped-call]
        return redirect_uri


class CodeIssuer:
    """Makes codes and keeps them, hashed. `code_seconds` is how long one may be redeemed."""

    def __init__(self, store: Store, *, clock: Clock, rng: Random, code_seconds: int) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._code_seconds = code_seconds
        self._codes = Codes()

    def issue(self, request: OAuthRequest, session: Session) -> str | None:
        """Return a code of 256 random bits; None when the session has ended meanwhile."""
        code = self._rng.token(_CODE_BYTES)
        now = to_unix(self._clock.now())
        parameters = request.parameters
        stored = StoredCode(
            code_hash=hash_token(code),
            client_id=parameters["client_id"],
            user_id=session.user_id,
            session_hash=session.session_hash,
            redirect_uri=parameters["redirect_uri"],
            scope=request.scope,
            nonce=parameters.get("nonce"),
            code_challenge=parameters["code_challenge"],
            auth_time=session.created_at,
            expires_at=now + self._code_seconds,
        )
        with self._store.write() as connection:
            holds = self._codes.add(connection, stored, request.attempt, now=now)
        return code if holds else None
