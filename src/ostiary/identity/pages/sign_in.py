"""The sign-in page."""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.http.forms import read_form
from ostiary.identity.pages.forms import FormPages, send_on, try_again
from ostiary.identity.pages.return_to import local_path
from ostiary.identity.pages.sign_up_offer import SignUpOffer
from ostiary.identity.sessions.signing_in import Refused, SignIn
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.request_kinds import Kind

_NO_MATCH = "No account matches this e-mail address and password."
_BUSY = (
    "Many people are signing in right now, and your password was not checked. "
    "Please try again in a few seconds."
)
_STALE = "This form was no longer valid. Please send it again."


class SignInPage:
    """`/sign-in`."""

    def __init__(self, forms: FormPages, sign_in: SignIn, offer: SignUpOffer) -> None:
        self._forms = forms
        self._sign_in = sign_in
        self._offer = offer

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the form. It needs no store: a page that asks nothing cannot fail."""
        self._show(request, response, return_to=local_path(request.get_param("return_to")))

    on_head = on_get

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Verify the password; start a session, or show the form again with the reason."""
        context_of(request).kind = Kind.PASSWORD
        form = read_form(request)
        return_to = local_path(form.get("return_to"))
        email = form.get("email", "")
        if not self._forms.is_genuine(request, form):
            refused = Refused(Outcome.CSRF_FAILED)
            self._show(request, response, return_to=return_to, email=email, refused=refused)
            return
        credentials = self._forms.credentials(request, form)
        result = self._sign_in.by_password(credentials, self._forms.attempt(request))
        if isinstance(result, Refused):
            self._show(request, response, return_to=return_to, email=email, refused=result)
            return
        self._forms.hand_over(request, response, result)
        send_on(request, response, return_to)

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        *,
        return_to: str,
        email: str = "",
        refused: Refused | None = None,
    ) -> None:
        status, message = (200, "") if refused is None else _answer(refused)
        if refused is not None and refused.wait_seconds:
            response.set_header("retry-after", str(refused.wait_seconds))
        offered = self._offer.is_shown(self._forms.visitor(request, response))
        self._forms.show(
            request,
            response,
            "sign_in",
            {"email": email, "message": message, "sign_up_open": offered},
            return_to=return_to,
            status=status,
            outcome=Outcome.OK if refused is None else refused.outcome,
        )


def _answer(refused: Refused) -> tuple[int, str]:
    """Return status and text. Wrong, unknown and disabled read the same to everybody."""
    if refused.outcome is Outcome.CSRF_FAILED:
        return 403, _STALE
    if refused.outcome is Outcome.RATE_LIMITED:
        again = try_again(refused.wait_seconds)
        return 429, f"There have been too many failed attempts. {again}"
    if refused.outcome is Outcome.OVERLOADED:
        return 503, _BUSY
    return 200, _NO_MATCH
