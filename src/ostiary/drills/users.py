"""A simulated user: signs in by real HTTP with an own password, and looks at what comes back.

The user is suspicious and cheap: tokens are verified against the published keys, userinfo must
name exactly this user, and all users share one connection pool and one event loop.
"""

from collections.abc import Callable
from typing import Final

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.orders import OrdersApi
from ostiary.drills.traffic_plan import Person
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.forgery import change_payload
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    enter_password,
    read_code,
    require_sign_in_page,
    sign_in_for_code,
    sign_in_page,
)
from ostiary.watch.relying_party.grants import TokenSet, read_token_set
from ostiary.watch.relying_party.registration import AuthorizationRequest
from ostiary.watch.relying_party.tokens import AccessClaims

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_DETAIL_LENGTH_MAX: Final = 240

Now = Callable[[], float]
"""Unix seconds that never go backwards within one run."""


class SimulatedUser:
    """One person with one password, who may have several visits under way at once."""

    def __init__(self, person: Person, application: RelyingApplication, rng: Random) -> None:
        """Sign in to `application`; `rng` makes state, nonce and verifier.

        `orders` is the API of the examples, which not every system has.
        """
        self.person = person
        self._application = application
        self._rng = rng
        self._subject: str | None = None
        self.orders = OrdersApi(application.wire, person.name)

    async def sign_in(self) -> tuple[str, AuthorizationRequest]:
        """Sign in on a device without a session and return the code for the application."""
        request = AuthorizationRequest.fresh(self._rng)
        arrived = await sign_in_for_code(
            self._device(), self._location(request), self.person.email, self.person.password
        )
        return self._read_code(arrived, request), request

    async def mistype_password(self) -> None:
        """Send a wrong password; returns where that opened a session all the same."""
        await self.guess(self.person.password[1:])

    async def guess(self, password: str) -> None:
        """Send a password that is not this person's; returns where that opened a session."""
        browser, request = self._device(), AuthorizationRequest.fresh(self._rng)
        page = require_sign_in_page(await ask_for_code(browser, self._location(request)))
        answer = await enter_password(browser, page, self.person.email, password)
        if not answer.is_redirect:
            refused = sign_in_page(answer) is not None and answer.outcome_is_no_fault
            answer.fail("a session", kind=FailureKind.REFUSED if refused else None)
        self._read_code(await browser.follow(answer), request)

    async def redeem(self, code: str, request: AuthorizationRequest) -> TokenSet:
        """Redeem the code and verify that the tokens are for this user."""
        answer = await self._application.client.exchange(code, request.verifier)
        tokens = read_token_set(answer)
        await self._verify(answer, tokens, nonce=request.nonce)
        return tokens

    async def refresh(self, tokens: TokenSet) -> None:
        """Redeem the refresh token and verify that the new tokens are for this user."""
        answer = await self._application.client.refresh(tokens.refresh_token or "")
        await self._verify(answer, read_token_set(answer), nonce=None)

    async def look_at_userinfo(self, tokens: TokenSet) -> None:
        """Ask who is signed in: it must be exactly this user."""
        answer = await self._application.client.userinfo(tokens.access_token)
        answer.require(answer.status == _OK, "userinfo with HTTP 200")
        document = answer.json()
        own = document.get("email") == self.person.email and document.get("sub") == self._subject
        self._require_own(answer, own)

    async def be_introspected(self, tokens: TokenSet) -> None:
        """Let an API ask about the token: it must be active and this user's."""
        answer = await self._application.client.introspect(tokens.access_token)
        answer.require(answer.status == _OK, "introspection with HTTP 200")
        document = answer.json()
        if document.get("active") is not True:
            answer.fail("an active token", got="an inactive one", kind=FailureKind.REFUSED)
        self._require_own(answer, document.get("sub") == self._subject)

    async def send_forged_token(self, tokens: TokenSet) -> None:
        """Send a token with a changed subject; returns where it was accepted."""
        forged = change_payload(tokens.access_token)
        answer = await self._application.client.userinfo(forged, step="forged_token")
        refused = answer.status == _UNAUTHORIZED
        answer.require(
            answer.status == _OK,
            "an answer",
            kind=FailureKind.REFUSED if refused else None,
        )

    async def _verify(self, answer: Answer, tokens: TokenSet, *, nonce: str | None) -> None:
        access, identity = await self._application.verify(answer, tokens, nonce=nonce)
        self._require_own_claims(answer, access)
        if identity is not None:
            own = identity.subject == self._subject
            self._require_own(answer, own and identity.email in {None, self.person.email})

    def _require_own_claims(self, answer: Answer, access: AccessClaims) -> None:
        """Require the subject of the first sign-in, and the own roles."""
        if self._subject is None:
            self._subject = access.subject
        self._require_own(answer, access.subject == self._subject)
        answer.require(
            access.roles == frozenset(self.person.roles),
            "the own roles in the access token",
            got="other roles",
            kind=FailureKind.WRONG_CONTENT,
        )

    def _require_own(self, answer: Answer, own: bool) -> None:
        answer.require(
            own, "the own identity", got="another identity", kind=FailureKind.WRONG_IDENTITY
        )

    def _read_code(self, arrived: Answer, request: AuthorizationRequest) -> str:
        application = self._application
        return read_code(arrived, request, application.registration, application.provider)

    def _device(self) -> Browser:
        """Return a device without cookies: every visit begins after the last session ended."""
        return Browser(self._application.wire)

    def _location(self, request: AuthorizationRequest) -> str:
        application = self._application
        return request.location(application.provider.authorization, application.registration)
