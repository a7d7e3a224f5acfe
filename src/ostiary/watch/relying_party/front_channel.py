"""The part of a login that happens in the user's browser: authorize, sign in, sign out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.forms import Form, find_form_to, find_password_form
from ostiary.watch.relying_party.patience import seconds_to_wait, unless_busy
from ostiary.watch.relying_party.provider import Provider
from ostiary.watch.relying_party.registration import AuthorizationRequest, Registration

_OK = 200
_FIRST_FAULT = 500
_WITHOUT_BODY = frozenset({301, 302, 303})
"""Redirects after which browsers ask anew by GET; what was posted stays behind."""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """A page that asks for email and password, and the form on it."""

    answer: Answer
    form: Form = field(repr=False)


def sign_in_page(answer: Answer) -> SignInPage | None:
    """Return the sign-in form of a page, or None where the page has none."""
    form = find_password_form(answer.text)
    if form is None or not form.has("email"):
        return None
    return SignInPage(answer, form)


async def ask_for_code(
    browser: Browser, location: str, *, step: str = "authorize"
) -> Answer | SignInPage:
    """Open the authorization endpoint and follow it while it stays with the issuer.

    Returns the sign-in page, or the answer at which it ended: the redirect to the client, or an
    error page.
    """
    answer = await browser.follow(await browser.get(step, location))
    page = None if answer.is_redirect else sign_in_page(answer)
    return answer if page is None else page


async def enter_password(
    browser: Browser, page: SignInPage, email: str, password: str, *, step: str = "sign_in"
) -> Answer:
    """Fill in the sign-in form and return the answer to it, redirects not followed."""
    fields = [("email", email), ("password", password)]
    return await browser.submit(step, page.answer, page.form, fields)


async def enter_patiently(
    browser: Browser, page: SignInPage, email: str, password: str, *, step: str = "sign_in"
) -> Answer:
    """Enter the password as `enter_password` does, again a moment later where all are busy."""
    return await unless_busy(
        lambda: enter_password(browser, page, email, password, step=step),
        lambda answer: seconds_to_wait(answer.status, answer.headers),
    )


async def sign_in_for_code(
    browser: Browser,
    location: str,
    email: str,
    password: str,
    *,
    enter: Callable[[Browser, SignInPage, str, str], Awaitable[Answer]] = enter_password,
) -> Answer:
    """Sign in on the way from the authorization endpoint; return the redirect to the client.

    Fails the step where no sign-in form is shown or the password is not accepted.
    """
    page = require_sign_in_page(await ask_for_code(browser, location))
    entered = await enter(browser, page, email, password)
    require_signed_in(entered)
    arrived = await browser.follow(entered)
    if sign_in_page(arrived) is not None:
        arrived.fail(
            "a session after signing in",
            got="the sign-in page again",
            kind=FailureKind.REFUSED,
        )
    return arrived


def require_sign_in_page(arrived: Answer | SignInPage) -> SignInPage:
    """Return the sign-in page, or fail the step."""
    if isinstance(arrived, Answer):
        arrived.fail("a page with a sign-in form")
    arrived.answer.require(arrived.answer.status == _OK, "the sign-in page with HTTP 200")
    arrived.answer.require_class(OutcomeClass.OK)
    return arrived


def require_signed_in(answer: Answer) -> None:
    """Fail the step unless the password was accepted, which is a redirect.

    With 307 or 308 the browser would send the password on to where it leads (RFC 9700, 4.12).
    """
    if not answer.is_redirect:
        again = sign_in_page(answer) is not None
        # A replica that is busy answers 503 with the form, which says nothing about the password.
        refused = again and answer.outcome_is_no_fault and answer.status < _FIRST_FAULT
        answer.fail(
            "a redirect after signing in",
            got=f"{answer.describe()}, the sign-in page again" if again else "",
            kind=FailureKind.REFUSED if refused else None,
        )
    answer.require(
        answer.status in _WITHOUT_BODY,
        "a redirect that does not send the password on, such as 303",
        got=f"HTTP {answer.status}",
        kind=FailureKind.WRONG_CONTENT,
    )
    answer.require_class(OutcomeClass.OK)


def read_code(
    arrived: Answer | SignInPage,
    request: AuthorizationRequest,
    registration: Registration,
    provider: Provider,
) -> str:
    """Return the code from the redirect to the client.

    Fails the step unless it leads to the registered address, brings back the state, and names the
    issuer (RFC 9207).
    """
    if isinstance(arrived, SignInPage):
        arrived.answer.fail(
            "a code for the session", got="the sign-in page", kind=FailureKind.REFUSED
        )
    arrived.require(arrived.is_redirect, "a redirect to the client")
    bare = arrived.location.partition("?")[0]
    parameters = arrived.query()
    for correct, expected in (
        (bare == registration.redirect_uri, "a redirect to the registered address"),
        (bool(parameters.get("code")), "a code"),
        (parameters.get("state") == request.state, "the state that was sent"),
        (parameters.get("iss") == provider.issuer, f"iss={provider.issuer} (RFC 9207)"),
    ):
        kind = FailureKind.WRONG_CONTENT if parameters.get("code") else None
        arrived.require(correct, expected, kind=kind)
    arrived.require_class(OutcomeClass.OK)
    return parameters["code"]


async def sign_out(browser: Browser) -> None:
    """Sign out by the form on the sign-out page; fails the step where it is not accepted."""
    page = await browser.follow(await browser.get("sign_out_page", "/sign-out"))
    form = find_form_to(page.text, "/sign-out")
    if form is None:
        page.fail("a form to sign out with")
    answer = await browser.submit("sign_out", page, form, [])
    answer.require(answer.is_redirect or answer.status == _OK, "signing out")
    answer.require_class(OutcomeClass.OK)


async def end_session(
    browser: Browser, provider: Provider, id_token: str, *, step: str = "end_session", **more: str
) -> Answer:
    """Sign out by RP-initiated logout (OIDC RP-Initiated Logout 1.0), confirming if asked to.

    `more` are further parameters. Returns the answer that ended the session.
    """
    location = end_session_location(provider, id_token_hint=id_token, **more)
    answer = await browser.get(step, location)
    form = None if answer.is_redirect else find_form_to(answer.text, "/oauth2/end-session")
    if form is not None:
        answer = await browser.submit(step, answer, form, [])
    answer.require(answer.is_redirect or answer.status == _OK, "the end of the session")
    answer.require_class(OutcomeClass.OK)
    return answer


def end_session_location(provider: Provider, **parameters: str) -> str:
    """Return where the browser goes to sign out at an application's request."""
    separator = "&" if "?" in provider.end_session else "?"
    return f"{provider.end_session}{separator}{urlencode(parameters)}"
