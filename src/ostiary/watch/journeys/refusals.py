"""Refusals in the browser: who may not sign in, and what may not get a code."""

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.redirect_addresses import FOREIGN_ADDRESS, FOREIGN_ORIGIN
from ostiary.watch.journeys.refused import (
    require_no_redirect,
    require_oauth_error,
    require_password_refused,
)
from ostiary.watch.journeys.sign_in import check_signed_out
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    SignInPage,
    ask_for_code,
    enter_patiently,
    require_sign_in_page,
)


async def wrong_password(actor: Actor) -> None:
    """Require that a wrong password opens no session, and that the right one still does."""
    browser = actor.device()
    await try_password(actor, browser, actor.account.email, actor.account.password + "x")
    await check_signed_out(actor, browser)
    await actor.sign_in(browser, actor.request())


async def wrong_password_only(actor: Actor) -> None:
    """Require that a wrong password opens no session; one hash less, for frequent runs."""
    browser = actor.device()
    await try_password(actor, browser, actor.account.email, actor.account.password + "x")
    await check_signed_out(actor, browser)


async def unknown_user(actor: Actor) -> None:
    """Require that an address without an account is refused, not answered with an error."""
    browser = actor.device()
    email = f"nobody-{actor.site.rng.hex(6)}@probe.invalid"
    await try_password(actor, browser, email, actor.account.password)


async def forged_form(actor: Actor) -> None:
    """Require that a sign-in that another site sends from the user's browser is refused (CSRF).

    Another site knows no token for this browser: it sends none, one that it has made up, or one
    that its own browser got (RFC 9700, section 4.7). If it has found out the right one, the browser
    still tells where the form comes from.
    """
    browser = actor.device()
    page = await _open_sign_in(actor, browser)
    stranger = await _open_sign_in(actor, actor.device())
    credentials = [("email", actor.account.email), ("password", actor.account.password)]
    stolen = dict(stranger.form.values).get("csrf_token")
    for token in (actor.site.rng.token(16), "", stolen or ""):
        fields = [("csrf_token", token), *credentials]
        answer = await browser.submit("forged_form", page.answer, page.form, fields)
        await _require_not_signed_in(actor, browser, answer)
    answer = await browser.submit(
        "foreign_origin", page.answer, page.form, credentials, origin=FOREIGN_ORIGIN
    )
    await _require_not_signed_in(actor, browser, answer)


async def _require_not_signed_in(actor: Actor, browser: Browser, answer: Answer) -> None:
    if answer.is_redirect:
        answer.fail("a refusal", kind=FailureKind.GRANTED)
    answer.require_class(OutcomeClass.REFUSAL)
    await check_signed_out(actor, browser)


async def session_required(actor: Actor) -> None:
    """Without a session there is no code, but the sign-in page."""
    await check_signed_out(actor, actor.device())


async def disabled_user(actor: Actor, admin: ProbeAdmin) -> None:
    """Require that a disabled user cannot sign in, and keeps neither session nor refresh token.

    The account stays disabled afterwards.
    """
    login = await actor.login()
    await admin.disable(actor.account)
    await try_password(actor, actor.device(), actor.account.email, actor.account.password)
    request = actor.request()
    arrived = await ask_for_code(
        login.browser, actor.location(request), step="session_of_disabled_user"
    )
    answer = arrived.answer if isinstance(arrived, SignInPage) else arrived
    if answer.query().get("code"):
        answer.fail("no code for a disabled user", got="a code", kind=FailureKind.GRANTED)
    answer = await actor.client.refresh(login.refresh_token, step="refresh_of_disabled_user")
    require_oauth_error(answer, ("invalid_grant",))


async def unknown_client(actor: Actor, browser: Browser) -> None:
    """Require that a client that does not exist gets nothing, and nobody is sent to its address."""
    location = actor.location(actor.request(), client_id="no-such-client")
    require_no_redirect(await ask_for_code(browser, location, step="unknown_client"))


async def wrong_redirect_uri(actor: Actor, browser: Browser) -> None:
    """Nobody is sent to an address that the client has not registered, nor to one near it."""
    own = actor.registration.redirect_uri
    for address in (FOREIGN_ADDRESS, f"{own}/more", f"{own}?more=1"):
        location = actor.location(actor.request(), redirect_uri=address)
        require_no_redirect(await ask_for_code(browser, location, step="wrong_redirect_uri"))


async def _open_sign_in(actor: Actor, browser: Browser) -> SignInPage:
    return require_sign_in_page(await ask_for_code(browser, actor.location(actor.request())))


async def try_password(actor: Actor, browser: Browser, email: str, password: str) -> Answer:
    """Require that a password is refused as a wrong one is; return the answer."""
    page = await _open_sign_in(actor, browser)
    async with actor.account.turn:
        answer = await enter_patiently(browser, page, email, password)
    require_password_refused(answer)
    return answer
