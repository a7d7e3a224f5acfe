"""Signing in once more on a browser that is signed in: one session follows the other.

Applications keep the tokens that they got in the first one. They go on working, and signing out
ends them like those of the second.
"""

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.refused import require_oauth_error
from ostiary.watch.journeys.sign_in import refresh
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    enter_patiently,
    require_sign_in_page,
    require_signed_in,
    sign_out,
)


async def replaced_session(actor: Actor) -> None:
    """Sign in twice on one browser, and out: then neither refresh token may work any more."""
    first = await actor.login()
    second = await _sign_in_over(actor, first)
    held = await refresh(actor, first, step="refresh_after_second_sign_in")
    await sign_out(first.browser)
    for name, token in (("first", held.refresh_token), ("second", second.tokens.refresh_token)):
        answer = await actor.client.refresh(token or "", step=f"refresh_of_{name}_after_sign_out")
        require_oauth_error(answer, {"invalid_grant"})


async def _sign_in_over(actor: Actor, login: Login) -> Login:
    """Sign in where somebody is signed in, as `prompt=login` asks for (OIDC Core, 3.1.2.1)."""
    browser, request, account = login.browser, actor.request(), actor.account
    location = actor.location(request, prompt="login")
    page = require_sign_in_page(await ask_for_code(browser, location, step="prompt_login"))
    async with account.turn:
        entered = await enter_patiently(
            browser, page, account.email, account.password, step="sign_in_over"
        )
    require_signed_in(entered)
    code = actor.read_code(await browser.follow(entered), request)
    answer = await actor.client.exchange(code, request.verifier)
    return actor.read_login(browser, code, request, answer)
