"""OAuth errors and what they mean as outcomes: the one map from the protocol to the edge."""

from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    OAuth2Error,
)

from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.outcomes import Outcome, OutcomeClass, classify

_OUTCOMES = {
    "invalid_request": Outcome.INVALID_REQUEST,
    "invalid_client": Outcome.INVALID_CLIENT,
    "invalid_grant": Outcome.INVALID_GRANT,
    "invalid_scope": Outcome.INVALID_SCOPE,
    "unauthorized_client": Outcome.UNAUTHORIZED_CLIENT,
    "unsupported_grant_type": Outcome.UNSUPPORTED_GRANT_TYPE,
    "unsupported_response_type": Outcome.UNSUPPORTED_RESPONSE_TYPE,
    "access_denied": Outcome.ACCESS_DENIED,
    "login_required": Outcome.LOGIN_REQUIRED,
    "request_not_supported": Outcome.INVALID_REQUEST,
    "request_uri_not_supported": Outcome.INVALID_REQUEST,
}


_REASONS = {
    "invalid_grant": "The code or token is not valid, is over, or belongs to another client.",
    "unauthorized_client": "This client may not do that; look at its grants.",
    "invalid_scope": "A scope is unknown, or more than this client may have.",
    "invalid_client": "Client authentication failed.",
}
"""Why, where Authlib gives a code and no words (RFC 6749, section 5.2)."""

_NO_REASON = "The request was refused."


class ClientRefusedError(InvalidClientError):
    """The client did not prove who it is: 401, whichever way it tried (RFC 6749, section 5.2)."""

    status_code = 401
    description = "Client authentication failed."

    def get_headers(self) -> list[tuple[str, str]]:
        """Return headers with a challenge that has its realm (RFC 7617, section 2)."""
        headers: list[tuple[str, str]] = OAuth2Error.get_headers(self)
        return [*headers, ("WWW-Authenticate", 'Basic realm="ostiary", charset="UTF-8"')]


class GrantRefusedError(InvalidGrantError):
    """A code or refresh token is not accepted; `outcome` may be more telling than the error."""

    def __init__(self, description: str, *, outcome: Outcome = Outcome.INVALID_GRANT) -> None:
        super().__init__(description)  # type: ignore[no-untyped-call]
        self.outcome = outcome


class SupersededError(OAuth2Error):
    """Another replica has answered this very request meanwhile; nobody reads this answer.

    It is told as a fault of this replica, which was too slow. Nothing was changed.
    """

    error = "temporarily_unavailable"
    description = "Another replica has answered this request."
    status_code = 503
    outcome = Outcome.OVERLOADED


class SimpleError(OAuth2Error):
    """An error by its code alone, for codes that Authlib has no class for."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description, error=error)  # type: ignore[no-untyped-call]


def with_reason(error: OAuth2Error) -> OAuth2Error:
    """Return an error that says why in words, for whoever develops the application."""
    if not error.description:
        error.description = _REASONS.get(str(error.error), _NO_REASON)
    return error


def outcome_of(error: OAuth2Error) -> Outcome:
    """Return what an OAuth error means. An unknown code counts as a refusal of the request."""
    told = getattr(error, "outcome", None)
    if isinstance(told, Outcome):
        return told
    return _OUTCOMES.get(str(error.error), Outcome.INVALID_REQUEST)


def error_code_of(problem: ProblemError) -> str:
    """Return the OAuth error code for a problem that arose outside the protocol."""
    if classify(problem.outcome) is OutcomeClass.FAULT:
        # RFC 6749 knows this code at the authorization endpoint; clients know it everywhere.
        return "temporarily_unavailable"
    return "invalid_request"
