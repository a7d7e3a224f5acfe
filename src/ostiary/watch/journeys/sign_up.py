"""The journey of somebody new: an account by the form, where the service lets people sign up."""

from dataclasses import replace
from functools import partial

from ostiary.kernel.outcomes import Outcome, OutcomeClass
from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.mails import has_mail_server, require_alike
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.running import Journey
from ostiary.watch.journeys.sign_in import check_signed_out, check_userinfo
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import SignInPage, ask_for_code, sign_in_page
from ostiary.watch.relying_party.patience import seconds_to_wait, unless_busy

_PATH = "/sign-up"
_STRATUM = "sign_up"
_OK = 200
_FORBIDDEN = 403


def sign_up_journey(
    site: Site, account: ProbeAccount, admin: ProbeAdmin, *, sign_in_at: Site | None = None
) -> Journey:
    """Return the journey of a newcomer at `site`, who goes to the application of `account`.

    With `sign_in_at` the new account also signs in there, by its password, and is written the mails
    that one made there is: after a rollback the last good version is left with the accounts that
    the new one made. `admin` deletes the account,
    whatever happened to it; nothing of that goes to `site`. Where sign-up is closed, a successful
    walk proves nothing.
    """
    actor = site.actor(account)

    async def walk() -> None:
        async with admin.newcomer() as newcomer:
            actor.account = replace(
                account, email=newcomer.email, password=newcomer.password, subject=None
            )
            if await sign_up(actor) and sign_in_at is not None:
                await _require_mails(actor, admin, sign_in_at)
                elsewhere = sign_in_at.actor(actor.account)
                await elsewhere.sign_in(elsewhere.device(), elsewhere.request())

    return Journey("sign_up", walk, partial(_strata, actor))


async def _require_mails(actor: Actor, admin: ProbeAdmin, last_good: Site) -> None:
    """Require that the newcomer is written what another one is, who signs up at last good."""
    sites, email = (actor.site, last_good), actor.account.email
    if not all([await has_mail_server(admin, each, email) for each in sites]):
        return
    async with admin.newcomer() as other:
        there = last_good.actor(replace(actor.account, email=other.email, password=other.password))
        if await sign_up(there):
            await require_alike(admin, last_good, actor, other.email)


async def sign_up(actor: Actor) -> bool:
    """Sign the actor's person up; return whether that is possible here at all.

    The new person must be signed in, as nobody else, and the address must be taken afterwards.
    Raises `StepFailedError`.
    """
    browser = actor.device()
    page = await _open_form(browser)
    if page is None:
        return False
    _require_welcome(await _send_form(actor, browser, page, actor.account.password))
    login = await _require_session(actor, browser)
    await _require_taken(actor, login)
    return True


async def _open_form(browser: Browser) -> SignInPage | None:
    """Return the form to sign up with, or None where sign-up is closed."""
    answer = await browser.follow(await browser.get("sign_up_page", _PATH))
    # Behind the edge no outcome is told.
    closed = answer.status == _FORBIDDEN and answer.outcome in {None, Outcome.SIGN_UP_CLOSED}
    if closed and sign_in_page(answer) is None:
        return None
    return _require_form(answer)


def _require_form(answer: Answer) -> SignInPage:
    page = sign_in_page(answer)
    if page is None:
        answer.fail("a form to sign up with, or HTTP 403 where sign-up is closed")
    answer.require(answer.status == _OK, "the sign-up page with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    return page


async def _send_form(actor: Actor, browser: Browser, page: SignInPage, password: str) -> Answer:
    fields = [("email", actor.account.email), ("password", password)]
    return await unless_busy(
        lambda: browser.submit("sign_up", page.answer, page.form, fields),
        lambda answer: seconds_to_wait(answer.status, answer.headers),
    )


def _require_welcome(answer: Answer) -> None:
    """Require a redirect: as after signing in, the new person is sent on."""
    if not answer.is_redirect:
        again = sign_in_page(answer) is not None
        answer.fail(
            "a redirect after signing up",
            got=f"{answer.describe()}, the form again" if again else "",
            kind=FailureKind.REFUSED if again and answer.outcome_is_no_fault else None,
        )
    answer.require_class(OutcomeClass.OK)


async def _require_session(actor: Actor, browser: Browser) -> Login:
    """Require a session of the new person: a code without being asked for a password."""
    request = actor.request()
    arrived = await ask_for_code(browser, actor.location(request), step="authorize_after_sign_up")
    code = actor.read_code(arrived, request)
    answer = await actor.client.exchange(code, request.verifier)
    login = actor.read_login(browser, code, request, answer)
    await check_userinfo(actor, login.tokens.access_token, login)
    return login


async def _require_taken(actor: Actor, login: Login) -> None:
    """Require that a stranger who signs up with the same address gets and learns nothing of it."""
    stranger = actor.device()
    opened = await stranger.follow(await stranger.get("sign_up_page", _PATH))
    page = _require_form(opened)
    answer = await _send_form(actor, stranger, page, actor.site.rng.token(24))
    expected = "a refusal of an address that is taken"
    if answer.is_redirect:
        answer.fail(expected, kind=FailureKind.GRANTED)
    answer.require(answer.status < 500, expected)  # noqa: PLR2004 - first server error
    answer.require_class(OutcomeClass.REFUSAL)
    told = [login.access.subject, actor.account.password]
    answer.require(
        not any(secret in answer.text for secret in told),
        f"{expected}, and no more than that",
        got="something about the account that has it",
        kind=FailureKind.WRONG_CONTENT,
    )
    await check_signed_out(actor, stranger)


def _strata(actor: Actor) -> frozenset[str]:
    return actor.strata if _STRATUM in actor.strata else frozenset()
