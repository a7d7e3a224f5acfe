"""`/oauth2/authorize`."""

from typing import Protocol
from urllib.parse import urlencode

import falcon
from authlib.oauth2.rfc6749.errors import OAuth2Error

from ostiary.identity.accounts.model import Account
from ostiary.identity.http.context import context_of
from ostiary.identity.http.forms import read_form
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.oauth.authorization.code_issue import CodeIssue, CodeIssuer
from ostiary.identity.oauth.authorization.login_decision import (
    REAUTHENTICATION,
    LoginDecision,
    decide_login,
    fingerprint,
    read_demand,
)
from ostiary.identity.oauth.grants.housekeeping import GrantHousekeeping
from ostiary.identity.oauth.pkce import S256CodeChallenge
from ostiary.identity.oauth.protocol.clients import OAuthClient
from ostiary.identity.oauth.protocol.errors import SimpleError, outcome_of
from ostiary.identity.oauth.protocol.requests import OAuthRequest, read_query
from ostiary.identity.oauth.protocol.server import OAuthServer
from ostiary.identity.sessions.model import Session
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome

AUTHORIZE_PATH = "/oauth2/authorize"


class SessionFinder(Protocol):
    """What tells whose browser it is."""

    def find(self, request: falcon.Request) -> tuple[Session, Account] | None:
        """Return the session of a request, or None when nobody is signed in."""
        ...


class AuthorizationEndpoint:
    """Sends people back to the client with a code, or to the sign-in page first."""

    def __init__(
        self,
        server: OAuthServer,
        current_session: SessionFinder,
        issuer: CodeIssuer,
        housekeeping: GrantHousekeeping,
        *,
        clock: Clock,
        issuer_url: str,
        snapshot: str,
    ) -> None:
        self._server = server
        self._current_session = current_session
        self._issuer = issuer
        self._housekeeping = housekeeping
        self._clock = clock
        self._issuer_url = issuer_url
        self._snapshot = snapshot

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer an authorization request."""
        self._answer(request, response, read_query(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer an authorization request sent as a form (OIDC Core, section 3.1.2.1)."""
        self._answer(request, response, read_form(request))

    def _answer(
        self, request: falcon.Request, response: falcon.Response, parameters: dict[str, str]
    ) -> None:
        response.set_header("cache-control", "no-store")
        response.set_header("referrer-policy", "no-referrer")
        asked = OAuthRequest(request, parameters, snapshot=self._snapshot)
        asked.client = self._require_client(parameters)
        try:
            code = self._issue_or_ask(request, response, asked)
        except OAuth2Error as error:
            context_of(request).outcome = outcome_of(error)
            self._redirect(response, parameters, dict(error.get_body()))
            return
        if code is not None:
            context_of(request).outcome = Outcome.OK
            self._redirect(response, parameters, {"code": code})
            self._housekeeping.run_if_due()

    def _require_client(self, parameters: dict[str, str]) -> OAuthClient:
        """Return the client, whose redirect address is a registered one.

        Otherwise nothing may be redirected (RFC 6749, section 4.1.2.1): raises `ProblemError`.
        """
        client = self._server.find_client(parameters.get("client_id", ""))
        if client is None:
            raise ProblemError(
                400,
                Outcome.INVALID_CLIENT,
                "The application that sent you here is not known to this login service.",
                hint="Tell those who run the application: its client_id is not registered.",
            )
        if not client.check_redirect_uri(parameters.get("redirect_uri", "")):
            raise ProblemError(
                400,
                Outcome.INVALID_REQUEST,
                "The application that sent you here wants the answer at an unknown address.",
                hint="Tell those who run the application: its redirect_uri is not registered.",
            )
        return client

    def _issue_or_ask(
        self, request: falcon.Request, response: falcon.Response, asked: OAuthRequest
    ) -> str | None:
        """Return a code; None after sending the person to the sign-in page."""
        _check_supported(asked.parameters)
        demand = read_demand(asked.parameters)
        grant = CodeIssue(asked, self._server)
        S256CodeChallenge()(grant)
        grant.validate_consent_request()
        found = self._current_session.find(request)
        session = None if found is None else found[0]
        decision = decide_login(demand, session, now=to_unix(self._clock.now()))
        if decision is LoginDecision.REFUSE:
            raise SimpleError("login_required", "Somebody must sign in first.")
        if session is not None and decision is LoginDecision.PROCEED:
            code = self._issuer.issue(asked, session)
            if code is not None:
                context_of(request).subject = session.user_id
                return code
        context_of(request).outcome = Outcome.LOGIN_REQUIRED
        again = {**asked.parameters, REAUTHENTICATION: fingerprint(session)}
        return_to = f"{AUTHORIZE_PATH}?{urlencode(again)}"
        _see_other(response, f"/sign-in?{urlencode({'return_to': return_to})}")
        return None

    def _redirect(
        self, response: falcon.Response, parameters: dict[str, str], answer: dict[str, str]
    ) -> None:
        """Send the browser to the client; `iss` tells which service answers (RFC 9207)."""
        if parameters.get("state"):
            answer["state"] = parameters["state"]
        answer["iss"] = self._issuer_url
        redirect_uri = parameters["redirect_uri"]
        separator = "&" if "?" in redirect_uri else "?"
        _see_other(response, f"{redirect_uri}{separator}{urlencode(answer)}")


def _check_supported(parameters: dict[str, str]) -> None:
    """Refuse what this service does not do; silence would let a client rely on it."""
    response_type = parameters.get("response_type")
    if not response_type:
        raise SimpleError("invalid_request", "The response_type is missing.")
    if response_type != "code":
        raise SimpleError("unsupported_response_type", "Only response_type=code is supported.")
    if parameters.get("response_mode", "query") != "query":
        raise SimpleError("invalid_request", "Only response_mode=query is supported.")
    for name in ("request", "request_uri"):
        if name in parameters:
            # OIDC Core, section 3.1.2.6.
            raise SimpleError(f"{name}_not_supported", f"The parameter {name} is not supported.")


def _see_other(response: falcon.Response, location: str) -> None:
    """Redirect so that the next request is a GET without a body (RFC 9700, section 4.12)."""
    response.status = falcon.HTTP_303
    response.set_header("location", location)
