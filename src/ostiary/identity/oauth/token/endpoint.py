"""`POST /oauth2/token`."""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.forms import read_form
from ostiary.identity.http.problems import ProblemError, store_unavailable
from ostiary.identity.oauth.protocol.replies import (
    allow_any_origin,
    answer_preflight,
    write_oauth_problem,
    write_reply,
)
from ostiary.identity.oauth.protocol.requests import OAuthRequest
from ostiary.identity.oauth.protocol.server import OAuthServer
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.request_kinds import kind_of_grant


class TokenEndpoint:
    """Answers token requests of all grants."""

    def __init__(self, server: OAuthServer, *, snapshot: str) -> None:
        self._server = server
        self._snapshot = snapshot

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may post here."""
        answer_preflight(response, "POST")

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer tokens, or an OAuth error."""
        allow_any_origin(response)
        try:
            form = read_form(request)
            # Named before anything can fail, so that failures have their kind as well.
            context_of(request).kind = kind_of_grant(form.get("grant_type", ""))
            _require_grant_type(form)
            asked = OAuthRequest(request, form, snapshot=self._snapshot)
            reply = self._server.run_token_request(asked)
        except StoreUnavailableError as error:
            write_oauth_problem(request, response, store_unavailable(error))
        except ProblemError as problem:
            write_oauth_problem(request, response, problem)
        else:
            if reply.outcome is Outcome.OK:
                context_of(request).subject = asked.subject
            write_reply(request, response, reply)


def _require_grant_type(form: dict[str, str]) -> None:
    if not form.get("grant_type"):
        raise ProblemError(400, Outcome.INVALID_REQUEST, "The grant_type is missing.")
