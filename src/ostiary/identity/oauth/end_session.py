"""`/oauth2/end-session` (OpenID Connect RP-Initiated Logout 1.0).

An id token that this service issued shows that the request comes from an application the person
signed in to: then the session ends without asking. Without it anybody's link could sign people
out, so the sign-out page asks, and nobody is sent anywhere afterwards (section 3).
"""

from typing import Protocol
from urllib.parse import urlencode

import falcon

from ostiary.identity.accounts.model import Account
from ostiary.identity.http.context import context_of
from ostiary.identity.http.forms import read_form
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.keys.verification import (
    TokenRefusedError,
    TokenType,
    TokenVerifier,
    VerifiedClaims,
)
from ostiary.identity.oauth.protocol.requests import read_query
from ostiary.identity.oauth.protocol.server import OAuthServer
from ostiary.identity.sessions.model import Session
from ostiary.kernel.outcomes import Outcome

END_SESSION_PATH = "/oauth2/end-session"
_SIGN_OUT_PATH = "/sign-out"
_SIGNED_OUT_PATH = "/sign-in"


class SessionEnder(Protocol):
    """What finds and ends the session of a browser."""

    def find(self, request: falcon.Request) -> tuple[Session, Account] | None:
        """Return the session of a request, or None when nobody is signed in."""
        ...

    def end(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session with its grants, and take the cookie away."""
        ...


class EndSessionEndpoint:
    """Signs a person out at an application's request."""

    def __init__(
        self, server: OAuthServer, current_session: SessionEnder, verifier: TokenVerifier
    ) -> None:
        self._server = server
        self._current_session = current_session
        self._verifier = verifier

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session and go back to the application."""
        self._answer(request, response, read_query(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Do as `on_get`.

        A form from another site arrives without the session's cookie, which is `SameSite=Lax`.
        The GET that follows has it.
        """
        parameters = read_form(request)
        if self._current_session.find(request) is None:
            context_of(request).outcome = Outcome.OK
            _see_other(response, f"{END_SESSION_PATH}?{urlencode(parameters)}")
            return
        self._answer(request, response, parameters)

    def _answer(
        self, request: falcon.Request, response: falcon.Response, parameters: dict[str, str]
    ) -> None:
        response.set_header("cache-control", "no-store")
        context_of(request).outcome = Outcome.OK
        hint = parameters.get("id_token_hint")
        if not hint:
            _see_other(response, _SIGN_OUT_PATH)
            return
        claims = self._require_own(hint)
        target = self._target(parameters, claims)
        found = self._current_session.find(request)
        if found is not None and found[1].id != claims.get("sub"):
            # Somebody else uses this browser now; only they decide.
            _see_other(response, _SIGN_OUT_PATH)
            return
        self._current_session.end(request, response)
        _see_other(response, target)

    def _require_own(self, hint: str) -> VerifiedClaims:
        """Return the hint's claims; that it has expired does not matter (section 2)."""
        try:
            return self._verifier.verify(hint, TokenType.ID, accept_expired=True)
        except TokenRefusedError as error:
            raise ProblemError(
                400,
                error.outcome,
                "The application's request to sign out was not understood.",
                hint=f"You can sign out at {_SIGN_OUT_PATH}.",
            ) from None

    def _target(self, parameters: dict[str, str], claims: VerifiedClaims) -> str:
        """Return where to go afterwards. Raises `ProblemError` for an address not registered.

        Where a client registered no addresses for this, its redirect addresses are meant.
        """
        client_id = claims.get("aud")
        if parameters.get("client_id", client_id) != client_id or not isinstance(client_id, str):
            raise _bad_request("its client_id is not the one in the id_token_hint.")
        wanted = parameters.get("post_logout_redirect_uri")
        if not wanted:
            return _SIGNED_OUT_PATH
        client = self._server.find_client(client_id)
        if client is None:
            raise _bad_request("it is no longer registered.")
        record = client.record
        if wanted not in (record.post_logout_redirect_uris or record.redirect_uris):
            raise _bad_request("its post_logout_redirect_uri is not registered.")
        if not parameters.get("state"):
            return wanted
        separator = "&" if "?" in wanted else "?"
        return f"{wanted}{separator}{urlencode({'state': parameters['state']})}"


def _bad_request(reason: str) -> ProblemError:
    return ProblemError(
        400,
        Outcome.INVALID_REQUEST,
        "The application's request to sign out cannot be followed.",
        hint=f"Tell those who run the application: {reason}",
    )


def _see_other(response: falcon.Response, location: str) -> None:
    response.status = falcon.HTTP_303
    response.set_header("location", location)
