"""What the three forms have in common: their token, their way back, their attempt."""

import falcon

from ostiary.identity.flags import Subject
from ostiary.identity.http.context import attempt_of, context_of
from ostiary.identity.pages.csrf import Csrf
from ostiary.identity.pages.rendering import Renderer
from ostiary.identity.pages.return_to import form_action
from ostiary.identity.sessions.cookies import DEVICE_COOKIE, SESSION_COOKIE
from ostiary.identity.sessions.current import presented_hash
from ostiary.identity.sessions.devices import KNOWN_SECONDS, KnownDevices
from ostiary.identity.sessions.networks import networks_of
from ostiary.identity.sessions.signing_in import Credentials
from ostiary.identity.sessions.starting import SignedIn
from ostiary.identity.store.attempt import Attempt
from ostiary.kernel.outcomes import Outcome


class FormPages:
    """Shows forms, accepts them, and sends people on."""

    def __init__(
        self, *, csrf: Csrf, renderer: Renderer, snapshot: str, devices: KnownDevices
    ) -> None:
        self._csrf = csrf
        self._devices = devices
        self._renderer = renderer
        self._snapshot = snapshot

    def attempt(self, request: falcon.Request) -> Attempt:
        """Return which execution of the request this is."""
        return attempt_of(request, snapshot=self._snapshot)

    def is_genuine(
        self, request: falcon.Request, form: dict[str, str], *, bound_to: str = ""
    ) -> bool:
        """Return whether a form is from a page of ours in this browser."""
        return self._csrf.is_genuine(request, form, bound_to=bound_to)

    def credentials(self, request: falcon.Request, form: dict[str, str]) -> Credentials:
        """Return what a person typed into a form, and what their browser shows beside it."""
        return Credentials(
            form.get("email", ""),
            form.get("password", ""),
            old_hash=presented_hash(request),
            device=self._devices.read(DEVICE_COOKIE.read(request)),
            networks=networks_of(context_of(request).client_address),
        )

    def visitor(self, request: falcon.Request, response: falcon.Response | None) -> Subject:
        """Return who opens a page, as far as flags may know: a browser, and nobody's account.

        One that has signed in before keeps its name for as long as it is known, any other one for
        as long as it keeps its cookie. It gets one with a form; without a response, on pages that
        set none, one that has no name yet is drawn anew each time.
        """
        device = self._devices.read(DEVICE_COOKIE.read(request))
        return Subject(device.name if device else self._csrf.browser(request, response))

    def hand_over(
        self, request: falcon.Request, response: falcon.Response, signed_in: SignedIn
    ) -> None:
        """Give the browser the secret of its new session, and know it again from now on."""
        session = signed_in.session
        context_of(request).subject = session.user_id
        SESSION_COOKIE.set_(
            request, response, signed_in.secret, seconds=session.expires_at - session.created_at
        )
        device = self._devices.read(DEVICE_COOKIE.read(request))
        remembered = self._devices.remember(device, session.user_id, now=session.created_at)
        DEVICE_COOKIE.set_(request, response, remembered.cookie, seconds=KNOWN_SECONDS)

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


def try_again(wait_seconds: int) -> str:
    """Return the sentence that says when to try again."""
    seconds = "1 second" if wait_seconds == 1 else f"{wait_seconds} seconds"
    return f"Try again in {seconds}."
