"""Who may call `/admin`: the holder of the admin token, straight at the replica's own port.

The edge does not route `/admin`, and a request that came through the edge is refused here too.
"""

import hmac

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.outcomes import Outcome


class AdminToken:
    """Checks the bearer token of admin requests."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def require(self, request: falcon.Request) -> None:
        """Return when the request carries the token; raise `ProblemError` 401 or 404 if not."""
        if context_of(request).from_edge:
            raise ProblemError(404, Outcome.NOT_FOUND, "There is nothing at this address.")
        scheme, _, presented = (request.auth or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(presented.encode(), self._token):
            raise ProblemError(
                401,
                Outcome.NO_CREDENTIALS,
                "The admin token is missing or wrong.",
                hint="Send it as `Authorization: Bearer …`.",
            )
