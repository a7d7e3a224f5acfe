"""Signing in on a browser that was used before: after signing out, or with a session still there.

In the latter case one session follows the other. Applications keep the tokens that they got in the
first one. They go on working, and signing out ends them like those of the second.
"""

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.refused import require_oauth_error
from ostiary.watch.journeys.sign_in import check_userinfo, refresh
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    enter_patiently,
    require_sign_in_page,
    require_signed_in,
    sign_out,
)


async def sign_in_again(actor: Actor, login: Login) -> None:
    """Sign in on a browser that has signed out: the service knows it by now, and its user.

    Most people sign in so, and a service may treat them otherwise than on a new device.
    """
    again = await _sign_in_there(actor, login.browser, "known_browser")
    await check_userinfo(actor, again.tokens.access_token, login)
    await sign_out(login.browser)


async def replaced_session(actor: Actor) -> None:
    """Sign in twice on one browser, and out: then neither refresh token may work any more."""
    first = await actor.login()
    # `prompt=login` asks for the form all the same (OIDC Core, section 3.1.2.1).
    second = await _sign_in_there(actor, first.browser, "signed_in_browser", prompt="login")
    held = await refresh(actor, first, step="refresh_after_second_sign_in")
    await sign_out(first.browser)
    for name, token in (("first", held.refresh_token), ("second", second.tokens.refresh_token)):
        answer = await actor.client.refresh(token or "", step=f"refresh_of_{name}_after_sign_out")
        require_oauth_error(answer, {"invalid_grant"})


async def _sign_in_there(
    actor: Actor, browser: Browser, where: str, **changed: str | None
) -> Login:
    """Sign in by the form on a browser that was used before; `where` is part of the steps' names.

    `changed` are parameters of the request for a code.
    """
    request, account = actor.request(), actor.account
    location = actor.location(request, **changed)
    arrived = await ask_for_code(browser, location, step=f"authorize_{where}")
    page = require_sign_in_page(arrived)
    async with account.turn:
        entered = await enter_patiently(
            browser, page, account.email, account.password, step=f"sign_in_{where}"
        )
    require_signed_in(entered)
    code = actor.read_code(await browser.follow(entered), request)
    answer = await actor.client.exchange(code, request.verifier)
    return actor.read_login(browser, code, request, answer)
