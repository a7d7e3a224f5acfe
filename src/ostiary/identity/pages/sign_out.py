"""The sign-out page."""

import falcon

from ostiary.identity.http.forms import read_form
from ostiary.identity.pages.forms import FormPages, send_on
from ostiary.identity.pages.return_to import local_path
from ostiary.identity.sessions.current import CurrentSession, presented_hash
from ostiary.kernel.outcomes import Outcome

_STALE = "This form was no longer valid. Please send it again."


class SignOutPage:
    """`/sign-out`. A link shows a button only: following a link must not sign anybody out."""

    def __init__(self, forms: FormPages, current_session: CurrentSession) -> None:
        self._forms = forms
        self._current_session = current_session

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask whether to sign out."""
        self._show(request, response, return_to=local_path(request.get_param("return_to")))

    on_head = on_get

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session. The form's token belongs to this one session."""
        form = read_form(request)
        bound_to = presented_hash(request) or ""
        if not self._forms.is_genuine(request, form, bound_to=bound_to):
            self._show(
                request,
                response,
                return_to=local_path(form.get("return_to")),
                message=_STALE,
                outcome=Outcome.CSRF_FAILED,
            )
            return
        self._current_session.end(request, response)
        send_on(request, response, local_path(form.get("return_to")))

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        *,
        return_to: str,
        message: str = "",
        outcome: Outcome = Outcome.OK,
    ) -> None:
        self._forms.show(
            request,
            response,
            "sign_out",
            {"message": message},
            return_to=return_to,
            bound_to=presented_hash(request) or "",
            status=403 if outcome is Outcome.CSRF_FAILED else 200,
            outcome=outcome,
        )
