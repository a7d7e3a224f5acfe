"""What the three forms have in common: their token, their way back, their attempt."""

import falcon

from ostiary.identity.http.context import context_of
from ostiary.identity.pages.csrf import Csrf
from ostiary.identity.pages.rendering import Renderer
from ostiary.identity.pages.return_to import form_action
from ostiary.identity.sessions.cookies import SESSION_COOKIE
from ostiary.identity.sessions.starting import SignedIn
from ostiary.identity.store.attempt import Attempt
from ostiary.kernel.outcomes import Outcome


class FormPages:
    """Shows forms, accepts them, and sends people on."""

    def __init__(self, *, csrf: Csrf, renderer: Renderer, snapshot: str) -> None:
        self._csrf = csrf
        self._renderer = renderer
        self._snapshot = snapshot

    def attempt(self, request: falcon.Request) -> Attempt:
        """Return which execution of the request this is."""
        context = context_of(request)
        return Attempt(context.request_id, context.is_second_opinion, self._snapshot)

    def is_genuine(
        self, request: falcon.Request, form: dict[str, str], *, bound_to: str = ""
    ) -> bool:
        """Return whether a form is from a page of ours in this browser."""
        return self._csrf.is_genuine(request, form, bound_to=bound_to)

    def show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        name: str,
        values: dict[str, object],
        *,
        return_to: str,
        bound_to: str = "",
        status: int = 200,
        outcome: Outcome = Outcome.OK,
    ) -> None:
        """Write a page with a form that leads to `return_to`."""
        context_of(request).outcome = outcome
        token = self._csrf.token(request, response, bound_to=bound_to)
        self._renderer.write(
            response,
            name,
            {**values, "csrf_token": token, "return_to": return_to},
            status=status,
            form_action=form_action(return_to),
        )

    def show_plain(
        self,
        request: falcon.Request,
        response: falcon.Response,
        name: str,
        values: dict[str, object],
    ) -> None:
        """Write a page without a form; it needs no cookie."""
        context_of(request).outcome = Outcome.OK
        self._renderer.write(response, name, values)


def send_on(request: falcon.Request, response: falcon.Response, path: str) -> None:
    """Redirect with 303, so that reloading the next page does not submit the form again."""
    context_of(request).outcome = Outcome.OK
    response.status = falcon.HTTP_303
    response.location = path
    response.set_header("cache-control", "no-store")


def hand_over(request: falcon.Request, response: falcon.Response, signed_in: SignedIn) -> None:
    """Give the browser the secret of its new session."""
    session = signed_in.session
    SESSION_COOKIE.set_(
        request, response, signed_in.secret, seconds=session.expires_at - session.created_at
    )
