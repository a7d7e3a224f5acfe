"""The sign-up page, where the settings allow it."""

from dataclasses import dataclass

import falcon

from ostiary.identity.accounts.addresses import InvalidAddressError
from ostiary.identity.http.forms import read_form
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.pages.forms import FormPages, send_on, try_again
from ostiary.identity.pages.return_to import local_path
from ostiary.identity.pages.sign_up_offer import SignUpOffer
from ostiary.identity.passwords.gate import OverloadedError
from ostiary.identity.passwords.policy import CHARACTERS_MIN, WeakPasswordError
from ostiary.identity.sessions.signing_in import Refused
from ostiary.identity.sessions.signing_up import SignUp
from ostiary.identity.sessions.starting import SignedIn
from ostiary.kernel.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody was signed up. `field` is the id of the input to correct, if one is at fault."""

    outcome: Outcome
    message: str
    hint: str
    field: str


_TAKEN = Refusal(
    Outcome.ALREADY_EXISTS,
    "There is already an account with this e-mail address.",
    "Sign in, or use another address.",
    field="email",
)
_STALE = Refusal(
    Outcome.CSRF_FAILED, "This form was no longer valid.", "Please send it again.", field=""
)
_STATUSES = {Outcome.CSRF_FAILED: 403, Outcome.RATE_LIMITED: 429, Outcome.OVERLOADED: 503}
_NONE = Refusal(Outcome.OK, "", "", field="")


class SignUpPage:
    """`/sign-up`."""

    def __init__(self, forms: FormPages, sign_up: SignUp, offer: SignUpOffer) -> None:
        self._forms = forms
        self._sign_up = sign_up
        self._offer = offer

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the form."""
        self._require_open(request, response)
        self._show(request, response, return_to=local_path(request.get_param("return_to")))

    on_head = on_get

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create the account and sign its owner in, or show the form again with the reason."""
        self._require_open(request, response)
        form = read_form(request)
        refusal = self._refusal(request, response, form)
        if refusal is None:
            send_on(request, response, local_path(form.get("return_to")))
            return
        self._show(
            request,
            response,
            return_to=local_path(form.get("return_to")),
            email=form.get("email", ""),
            refusal=refusal,
        )

    def _refusal(
        self, request: falcon.Request, response: falcon.Response, form: dict[str, str]
    ) -> Refusal | None:
        """Sign up; return None, or why not."""
        if not self._forms.is_genuine(request, form):
            return _STALE
        credentials = self._forms.credentials(request, form)
        try:
            result = self._sign_up.by_password(credentials, self._forms.attempt(request))
        except InvalidAddressError as error:
            return Refusal(Outcome.INVALID_REQUEST, error.message, error.hint, field="email")
        except WeakPasswordError as error:
            return Refusal(Outcome.WEAK_PASSWORD, error.message, error.hint, field="password")
        except OverloadedError as error:
            response.set_header("retry-after", str(error.retry_after_seconds))
            return Refusal(Outcome.OVERLOADED, error.message, error.hint, field="")
        if not isinstance(result, SignedIn):
            return _refusal_of(result, response)
        self._forms.hand_over(request, response, result)
        return None

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        *,
        return_to: str,
        email: str = "",
        refusal: Refusal = _NONE,
    ) -> None:
        self._forms.show(
            request,
            response,
            "sign_up",
            {
                "email": email,
                "field": refusal.field,
                "message": refusal.message,
                "hint": refusal.hint,
                "characters_min": CHARACTERS_MIN,
            },
            return_to=return_to,
            status=_STATUSES.get(refusal.outcome, 200),
            outcome=refusal.outcome,
        )

    def _require_open(self, request: falcon.Request, response: falcon.Response) -> None:
        if not self._offer.is_open(self._forms.visitor(request, response)):
            raise ProblemError(
                403,
                Outcome.SIGN_UP_CLOSED,
                "Nobody can sign up here.",
                hint="Ask an operator of this service for an account.",
            )


def _refusal_of(refused: Refused, response: falcon.Response) -> Refusal:
    if refused.outcome is not Outcome.RATE_LIMITED:
        return _TAKEN
    response.set_header("retry-after", str(refused.wait_seconds))
    return Refusal(
        Outcome.RATE_LIMITED,
        "There have been too many new accounts from your network.",
        try_again(refused.wait_seconds),
        field="",
    )
