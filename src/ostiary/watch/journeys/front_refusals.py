"""What OAuth's best current practice (RFC 9700) forbids in the browser, tried from outside."""

from urllib.parse import urlencode

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.page_icon import require_icon
from ostiary.watch.journeys.redirect_addresses import FOREIGN_ADDRESS, near_addresses
from ostiary.watch.journeys.refusals import unknown_client
from ostiary.watch.journeys.refused import require_no_code, require_no_redirect
from ostiary.watch.journeys.sign_in import check_signed_out
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    SignInPage,
    ask_for_code,
    end_session_location,
    require_sign_in_page,
    require_signed_in,
)
from ostiary.watch.relying_party.patience import seconds_to_wait, unless_busy

_RESPONSE_TYPES = ("token", "id_token", "id_token token", "code token", "code id_token")
_TOKENS_IN_ADDRESS = ("access_token=", "id_token=", "code=")
_SIGN_IN_PATH = "/sign-in"
_RETURN_TO = "return_to"
_FRAMING_FORBIDDEN = ("frame-ancestors 'none'", "frame-ancestors 'self'")
_LEAKING = frozenset({"", "unsafe-url", "no-referrer-when-downgrade"})


async def authorize_refusals(actor: Actor) -> None:
    """All of these with a session: then only the check itself stands before a code."""
    browser = actor.device()
    await actor.sign_in(browser, actor.request())
    await unknown_client(actor, browser)
    await near_redirect_uris(actor, browser)
    await other_response_types(actor, browser)
    await pkce_downgrade(actor, browser)


async def near_redirect_uris(actor: Actor, browser: Browser) -> None:
    """Require that nobody is sent to an address near the registered one (sections 2.1, 4.1.3)."""
    for name, address in near_addresses(actor.registration.redirect_uri).items():
        location = actor.location(actor.request(), redirect_uri=address)
        require_no_redirect(await ask_for_code(browser, location, step=f"redirect_uri:{name}"))
    twice = actor.location(actor.request()) + "&" + urlencode({"redirect_uri": FOREIGN_ADDRESS})
    require_no_redirect(await ask_for_code(browser, twice, step="redirect_uri:twice"))


async def other_response_types(actor: Actor, browser: Browser) -> None:
    """Require that no token comes by way of the browser's address (section 2.1.2)."""
    for response_type in _RESPONSE_TYPES:
        step = f"response_type:{response_type.replace(' ', '+')}"
        location = actor.location(actor.request(), response_type=response_type)
        answer = _answer(await ask_for_code(browser, location, step=step))
        if any(name in answer.location for name in _TOKENS_IN_ADDRESS):
            answer.fail("no token in an address", got="one", kind=FailureKind.GRANTED)
        require_no_code(answer, "a refusal: unsupported_response_type")


async def pkce_downgrade(actor: Actor, browser: Browser) -> None:
    """Require a code challenge by S256 and nothing less (sections 2.1.1 and 4.8.2).

    Errors that go back to the client must name their issuer as well (RFC 9207, section 2), or one
    provider's error could be taken for another's (section 4.4.2).
    """
    request = actor.request()
    challenges: dict[str, dict[str, str | None]] = {
        "plain": {"code_challenge": request.verifier, "code_challenge_method": "plain"},
        "no_method": {"code_challenge": request.verifier, "code_challenge_method": None},
        "no_challenge": {"code_challenge": None},
        "empty_challenge": {"code_challenge": ""},
    }
    for name, changed in challenges.items():
        location = actor.location(request, **changed)
        answer = _answer(await ask_for_code(browser, location, step=f"pkce:{name}"))
        require_no_code(answer, "a refusal: only S256 challenges are accepted")
        if answer.is_redirect:
            told = answer.query()
            answer.require(
                told.get("iss") == actor.provider.issuer and told.get("state") == request.state,
                f"iss={actor.provider.issuer} and the state that was sent in the error (RFC 9207)",
                got="another issuer or state, or none",
                kind=FailureKind.WRONG_CONTENT,
            )


async def planted_sign_in(actor: Actor) -> None:
    """Require that what somebody else has planted in a browser is worth nothing after signing in.

    Cookies that were known before would sign their owner in, too (session fixation), and an
    address to return to would send the user elsewhere (section 4.11.2): it stands in the link that
    opened the page, and in the form.
    """
    browser, account = actor.device(), actor.account
    opened = f"{_SIGN_IN_PATH}?{urlencode({_RETURN_TO: FOREIGN_ADDRESS})}"
    page = require_sign_in_page(await ask_for_code(browser, opened, step=_RETURN_TO))
    kept = dict(page.form.values).get(_RETURN_TO, "/")
    page.answer.require(
        actor.site.target.owns(kept),
        "a form that leads back to the issuer's own pages",
        got="one that leads to somebody else's address",
        kind=FailureKind.GRANTED,
    )
    planted = browser.jar.copy()
    fields = [("email", account.email), ("password", account.password)]
    fields.append((_RETURN_TO, "//attacker.invalid/"))
    async with account.turn:
        answer = await unless_busy(
            lambda: browser.submit(_RETURN_TO, page.answer, page.form, fields),
            lambda answer: seconds_to_wait(answer.status, answer.headers),
        )
    require_signed_in(answer)
    require_stays(actor, answer)
    await check_signed_out(actor, actor.device(planted), step="planted_cookies")


async def leave_for_nowhere(actor: Actor, login: Login) -> None:
    """Require that signing out sends nobody to an address that is not registered (4.11.2)."""
    hints = {"no_hint": {}, "with_hint": {"id_token_hint": login.tokens.id_token or ""}}
    for name, hint in hints.items():
        location = end_session_location(
            actor.provider, post_logout_redirect_uri=FOREIGN_ADDRESS, **hint
        )
        answer = await login.browser.get(f"post_logout_redirect:{name}", location)
        require_stays(actor, answer)


async def safe_pages(actor: Actor) -> None:
    """Require pages that cannot be framed (4.16), kept, or told to others (4.2.4).

    Sign-in, sign-out and an error are shown to a browser without a session.
    """
    browser = actor.device()
    signing_in = await ask_for_code(browser, actor.location(actor.request()), step="sign_in_page")
    unknown = actor.location(actor.request(), client_id="no-such-client")
    for page in (
        require_sign_in_page(signing_in).answer,
        await browser.get("sign_out_page", "/sign-out"),
        await browser.get("error_page", unknown),
    ):
        _require_safe(page)
    require_icon(await browser.get("icon", "/favicon.ico"))


def _require_safe(page: Answer) -> None:
    policy = page.headers.get("content-security-policy", "").lower()
    framing = page.headers.get("x-frame-options", "").upper() in {"DENY", "SAMEORIGIN"}
    page.require(
        framing or any(each in policy for each in _FRAMING_FORBIDDEN),
        "a page that others cannot frame: frame-ancestors or X-Frame-Options",
        got="one that they can",
        kind=FailureKind.WRONG_CONTENT,
    )
    page.require_not_kept()
    told = page.headers.get("referrer-policy", "").lower()
    page.require(
        told not in _LEAKING,
        "a Referrer-Policy that tells no other site the address",
        got=told[:40] or "none",
        kind=FailureKind.WRONG_CONTENT,
    )


def _answer(arrived: Answer | SignInPage) -> Answer:
    return arrived.answer if isinstance(arrived, SignInPage) else arrived


def require_stays(actor: Actor, answer: Answer) -> None:
    """Fail the step where a browser is sent to another site."""
    leaves = answer.is_redirect and not actor.site.target.owns(answer.location)
    answer.require(
        not leaves,
        "an answer that stays with the issuer",
        got="a redirect to somebody else's address",
        kind=FailureKind.GRANTED,
    )
    answer.require(answer.outcome_is_no_fault, f"no outcome of class {OutcomeClass.FAULT.value}")
