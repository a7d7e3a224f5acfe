"""OAuth requests as Authlib's core reads them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import falcon
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload, OAuth2Request
from sqlalchemy import Connection

from ostiary.identity.http.context import attempt_of
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.store.reading import Reading
from ostiary.kernel.outcomes import Outcome

Write = Callable[[Connection], OAuth2Error | None]
"""What a grant leaves to be written; returns the error to answer where the store disagrees."""

_FIELDS_MAX = 50

# Authlib refuses addresses that are not https. What reaches this process is plain HTTP behind the
# edge; whether users come by https is decided by the public URL, not here.
_CHECKED_ADDRESS = "https://edge.invalid"


class OAuthRequest(OAuth2Request):
    """One request to an OAuth endpoint.

    Each of `parameters` was sent once. `reading` is there while a grant validates. `pending` is
    what the grant wants written once everything is signed: a failure of signing must not use up a
    code. `outcome` is set by endpoints whose answer is a refusal although its status is 200.
    """

    # Authlib sets these on the way; it has no types for them.
    client: Any
    user: Any
    authorization_code: Any
    payload: Any

    def __init__(
        self, request: falcon.Request, parameters: dict[str, str], *, snapshot: str
    ) -> None:
        headers = {"Authorization": request.auth} if request.auth else {}
        super().__init__(request.method, _CHECKED_ADDRESS, headers=headers)
        self.parameters = parameters
        self.payload = BasicOAuth2Payload(parameters)
        self.attempt = attempt_of(request, snapshot=snapshot)
        self.reading: Reading | None = None
        self.pending: Write | None = None
        self.outcome: Outcome | None = None

    @property
    def form(self) -> dict[str, str]:
        """Return the parameters of a POST, for Authlib."""
        return self.parameters

    @property
    def args(self) -> dict[str, str]:
        """Return the parameters of a GET, for Authlib."""
        return self.parameters

    @property
    def subject(self) -> str | None:
        """Return the user, else the client, that Authlib has found; None before it has."""
        if self.user is not None:
            return str(self.user.id)
        return None if self.client is None else str(self.client.record.client_id)

    @property
    def open_connection(self) -> Connection:
        """Return the connection of the transaction in which a grant validates."""
        assert self.reading is not None, "grants run while the store is read"  # noqa: S101
        return self.reading.connection


def read_query(request: falcon.Request) -> dict[str, str]:
    """Return the parameters of a query string.

    Raises `ProblemError` 400 for what is not UTF-8, for more than 50 parameters and for a
    repeated one (RFC 6749, section 3.1).
    """
    try:
        pairs = parse_qsl(
            request.query_string,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError:
        raise _malformed("The query must be UTF-8 text with at most 50 parameters.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise _malformed("A parameter is repeated.")
    if any("\0" in value for value in parameters.values()):
        raise _malformed("A parameter holds a NUL character.")
    return parameters


def _malformed(hint: str) -> ProblemError:
    return ProblemError(
        400, Outcome.INVALID_REQUEST, "The request could not be understood.", hint=hint
    )
