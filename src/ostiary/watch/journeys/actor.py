"""One probe account at one target: what every journey does before it does its own thing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.minted import (
    require_minted_as_before,
    require_own_claims,
    require_refresh_token,
    require_told_lifetime,
)
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.reference import Reference, read_reference
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.claims import TokenRejectedError
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    SignInPage,
    enter_patiently,
    read_code,
    sign_in_for_code,
)
from ostiary.watch.relying_party.grants import TokenClient, TokenSet, read_token_set
from ostiary.watch.relying_party.provider import Provider, discover
from ostiary.watch.relying_party.registration import AuthorizationRequest
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.tokens import (
    AccessClaims,
    Expectation,
    IdentityClaims,
    verify_access_token,
    verify_id_token,
)
from ostiary.watch.relying_party.wire import Wire


@dataclass(frozen=True, slots=True)
class Site:
    """A target and what it says about itself; every actor there starts from it.

    `reference` is what its tokens are compared with besides; None where there is nothing older.
    """

    target: Target
    transport: httpx.AsyncBaseTransport
    provider: Provider
    clock: Clock
    rng: Random
    seconds_max: float
    reference: Reference | None = None

    @classmethod
    async def open(
        cls,
        target: Target,
        transport: httpx.AsyncBaseTransport,
        *,
        clock: Clock,
        rng: Random,
        seconds_max: float = 10.0,
    ) -> "Site":
        """Read discovery and keys of a target; raises `StepFailedError`."""
        provider = await discover(Wire(target, transport, seconds_max=seconds_max))
        return cls(target, transport, provider, clock, rng, seconds_max)

    async def compared_with(self, last_good: "Site", accounts: Sequence[ProbeAccount]) -> "Site":
        """Return the site, to be held against what last good mints now.

        Raises `StepFailedError` where last good mints nothing. `accounts` must hold one whose
        tokens are for the default audience.
        """
        account = next(each for each in accounts if each.audience is None)
        wire = Wire(last_good.target, last_good.transport, seconds_max=self.seconds_max)
        now = self.clock.now().timestamp()
        reference = await read_reference(wire, last_good.provider, account, now=now)
        return replace(self, reference=reference)

    def actor(self, account: ProbeAccount) -> "Actor":
        """Return the account as it meets this target, its strata counted afresh."""
        return Actor(self, account)


class Actor:
    """A probe account that signs in, redeems codes and checks what it gets."""

    def __init__(self, site: Site, account: ProbeAccount) -> None:
        """Act at `site`; requests of this actor share one connection pool with all others."""
        self.site = site
        self.account = account
        self.registration = account.registration
        self.provider = site.provider
        self.wire = Wire(site.target, site.transport, seconds_max=site.seconds_max)
        self.client = TokenClient(self.wire, site.provider, self.registration)

    @property
    def strata(self) -> frozenset[str]:
        """Return the strata that have answered this actor."""
        return frozenset({"discovery", *self.wire.seen})

    def device(self, jar: CookieJar | None = None) -> Browser:
        """Return a browser here, with the cookies of `jar` or as a new device."""
        return Browser(self.wire, jar)

    def request(self) -> AuthorizationRequest:
        """Return new values for one authorization request."""
        return AuthorizationRequest.fresh(self.site.rng)

    def location(self, request: AuthorizationRequest, **changed: str | None) -> str:
        """Return where the browser goes for a code."""
        return request.location(self.provider.authorization, self.registration, **changed)

    def read_code(self, arrived: Answer | SignInPage, request: AuthorizationRequest) -> str:
        """Return the code that a redirect to the client brings; fails the step otherwise."""
        return read_code(arrived, request, self.registration, self.provider)

    async def sign_in(
        self,
        browser: Browser,
        request: AuthorizationRequest,
        *,
        typed: tuple[str, str] | None = None,
    ) -> str:
        """Sign in with the right email and password, or as they are `typed`; return the code."""
        who = typed or (self.account.email, self.account.password)
        location = self.location(request)
        async with self.account.turn:
            arrived = await sign_in_for_code(browser, location, *who, enter=enter_patiently)
        return self.read_code(arrived, request)

    async def login(self) -> Login:
        """Sign in on a new device, redeem the code, and verify what was minted."""
        browser, request = self.device(), self.request()
        code = await self.sign_in(browser, request)
        answer = await self.client.exchange(code, request.verifier)
        return self.read_login(browser, code, request, answer)

    def read_login(
        self, browser: Browser, code: str, request: AuthorizationRequest, answer: Answer
    ) -> Login:
        """Return the login that a redeemed code completes; fails the step where it does not."""
        tokens = read_token_set(answer)
        require_refresh_token(answer, tokens, self.account)
        access = self.verify_access(answer, tokens)
        identity = self.verify_identity(answer, tokens, nonce=request.nonce)
        return Login(browser, code, request, tokens, access, identity)

    def verify_access(
        self, answer: Answer, tokens: TokenSet, *, for_itself: bool = False
    ) -> AccessClaims:
        """Verify an access token, also against its answer; without a user it is for itself."""
        try:
            claims = verify_access_token(
                tokens.access_token, self.provider.keys, self._expectation()
            )
        except TokenRejectedError as error:
            answer.fail("a valid access token", got=str(error), kind=FailureKind.WRONG_CONTENT)
        require_told_lifetime(answer, tokens, claims)
        self._require_as_expected(answer, claims, for_itself=for_itself)
        return claims

    def verify_identity(
        self, answer: Answer, tokens: TokenSet, *, nonce: str | None
    ) -> IdentityClaims:
        """Verify a minted id token; the email in it, where there is one, must be the own one."""
        try:
            claims = verify_id_token(
                tokens.id_token or "",
                self.provider.keys,
                self._expectation(),
                nonce=nonce,
                access_token=tokens.access_token,
            )
        except TokenRejectedError as error:
            answer.fail("a valid id token", got=str(error), kind=FailureKind.WRONG_CONTENT)
        self._require_as_expected(answer, claims)
        return claims

    def _require_as_expected(
        self, answer: Answer, claims: AccessClaims | IdentityClaims, *, for_itself: bool = False
    ) -> None:
        require_own_claims(answer, self.account, claims, for_itself=for_itself)
        require_minted_as_before(answer, self.provider, self.site.reference, claims)

    def _expectation(self) -> Expectation:
        default = None if self.site.reference is None else self.site.reference.audience
        return Expectation(
            issuer=self.provider.issuer,
            client_id=self.registration.client_id,
            audience=self.registration.audience or default,
            now=self.site.clock.now().timestamp(),
        )
