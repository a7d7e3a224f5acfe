"""The journey that must succeed: from the first click to being signed out again."""

from collections.abc import Awaitable, Callable

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.flags import check_flags
from ostiary.watch.journeys.introspected import require_active
from ostiary.watch.journeys.login import Login
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    end_session,
    require_sign_in_page,
    sign_out,
)
from ostiary.watch.relying_party.grants import TokenSet, read_token_set

_OK = 200

SignOut = Callable[[Actor, Login], Awaitable[None]]
"""One of the two ways out: each has a route class of its own."""


async def sign_in_code_flow(actor: Actor, leave: SignOut) -> Login:
    """Authorize, sign in, redeem, verify, userinfo, introspect, refresh, sign out.

    Raises `StepFailedError`. Returns the login, so that the caller can compare identities.
    """
    login = await actor.login()
    await check_userinfo(actor, login.tokens.access_token, login)
    await check_active(actor, login.tokens.access_token, login)
    await check_flags(actor, login.tokens.access_token)
    renewed = await refresh_thrice(actor, login)
    await check_userinfo(actor, renewed.access_token, login)
    await check_session(actor, login.browser)
    # A copy of the cookies shows whether the session ended, and not just the browser's cookie.
    kept = login.browser.jar.copy()
    await leave(actor, login)
    await check_signed_out(actor, login.browser)
    await check_signed_out(actor, actor.device(kept))
    return login


async def leave_by_page(_actor: Actor, login: Login) -> None:
    """Sign out by the form on the provider's own page."""
    await sign_out(login.browser)


async def leave_by_client(actor: Actor, login: Login) -> None:
    """Sign out by RP-initiated logout, and come back to the application with its state.

    So does who is signed out already: sessions end by themselves, and applications cannot know.
    """
    await _end_session(actor, login, login.browser, step="end_session")
    await _end_session(actor, login, actor.device(), step="end_session_without_session")


async def _end_session(actor: Actor, login: Login, browser: Browser, *, step: str) -> None:
    back_to, state = actor.registration.redirect_uri, actor.site.rng.token(8)
    answer = await end_session(
        browser,
        actor.provider,
        login.tokens.id_token or "",
        step=step,
        post_logout_redirect_uri=back_to,
        state=state,
    )
    came_back = answer.is_redirect and answer.location.partition("?")[0] == back_to
    answer.require(
        came_back and answer.query().get("state") == state,
        "a redirect to the application, with its state (OIDC RP-Initiated Logout 1.0, section 3)",
        kind=FailureKind.WRONG_CONTENT,
    )


async def check_userinfo(
    actor: Actor, access_token: str, login: Login, *, step: str = "userinfo"
) -> None:
    """Userinfo must name exactly this user (OIDC Core, section 5.3.2)."""
    answer = await actor.client.userinfo(access_token, step=step)
    answer.require(answer.status == _OK, "userinfo with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    document = answer.json()
    own = document.get("sub") == login.access.subject == login.identity.subject
    answer.require(
        own and document.get("email") == actor.account.email,
        "the own subject and email",
        got="another subject or email",
        kind=FailureKind.WRONG_IDENTITY,
    )
    _require_no_roles(answer)


async def check_active(
    actor: Actor, access_token: str, login: Login, *, step: str = "introspect"
) -> None:
    """Introspection must call the token active and name its user (RFC 7662, section 2.2)."""
    subject = login.access.subject
    answer = await require_active(
        actor, access_token, subject=subject, whose="the own subject", step=step
    )
    _require_no_roles(answer)


async def refresh(
    actor: Actor, login: Login, *, held: TokenSet | None = None, step: str = "refresh"
) -> TokenSet:
    """Redeem the refresh token: everything must be new, and still for the same user.

    It is the login's, or that of the tokens that are `held` since.
    """
    before = held or login.tokens
    answer = await actor.client.refresh(before.refresh_token or "", step=step)
    renewed = read_token_set(answer)
    answer.require(
        renewed.refresh_token not in {None, before.refresh_token, login.refresh_token},
        "a new refresh token (rotation)",
        got="the same one or none",
        kind=FailureKind.WRONG_CONTENT,
    )
    answer.require(
        renewed.access_token != before.access_token,
        "a new access token",
        got="the same one",
        kind=FailureKind.WRONG_CONTENT,
    )
    _require_same_user(actor, answer, renewed, login)
    return renewed


async def refresh_thrice(actor: Actor, login: Login) -> TokenSet:
    """Refresh as an application does all day: the second time is unlike the first.

    The first refresh token came with a code, every later one with a refresh.
    """
    held = await refresh(actor, login)
    held = await refresh(actor, login, held=held, step="second_refresh")
    return await refresh(actor, login, held=held, step="third_refresh")


async def check_session(actor: Actor, browser: Browser) -> None:
    """Get the next code on a device that is signed in, without being asked again."""
    request = actor.request()
    arrived = await ask_for_code(browser, actor.location(request), step="authorize_again")
    actor.read_code(arrived, request)


async def check_signed_out(actor: Actor, browser: Browser, *, step: str = "after_sign_out") -> None:
    """After signing out the session is gone: the next request for a code asks for a password."""
    request = actor.request()
    arrived = await ask_for_code(browser, actor.location(request), step=step)
    if isinstance(arrived, Answer) and arrived.query().get("code"):
        arrived.fail("the sign-in page", got="a code", kind=FailureKind.GRANTED)
    require_sign_in_page(arrived)


def _require_no_roles(answer: Answer) -> None:
    answer.require(
        not answer.json().get("roles"),
        "no roles, as this account has none",
        got="roles",
        kind=FailureKind.WRONG_CONTENT,
    )


def _require_same_user(actor: Actor, answer: Answer, renewed: TokenSet, login: Login) -> None:
    same = actor.verify_access(answer, renewed).subject == login.access.subject
    if renewed.id_token is not None:
        # An id token is optional here (OIDC Core, section 12.2); where there is one, it counts.
        identity = actor.verify_identity(answer, renewed, nonce=None)
        same = same and identity.subject == login.identity.subject
    answer.require(same, "the same subject", got="another subject", kind=FailureKind.WRONG_IDENTITY)
