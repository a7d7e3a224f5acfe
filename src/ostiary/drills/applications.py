"""The application that simulated users sign in to: its client side, and its check of tokens."""

import httpx

from ostiary.drills.traffic_plan import Application
from ostiary.kernel.clock import Clock
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.claims import TokenRejectedError, read_header
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenClient, TokenSet
from ostiary.watch.relying_party.provider import Provider, discover, fetch_keys
from ostiary.watch.relying_party.registration import Registration
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.tokens import (
    AccessClaims,
    Expectation,
    IdentityClaims,
    verify_access_token,
    verify_id_token,
)
from ostiary.watch.relying_party.wire import Wire

_KEYS_COOLDOWN_SECONDS = 10.0
"""Keys are fetched again for an unknown key id, but not for every token that has one."""


class RelyingApplication:
    """One application, as its developers would have built it: keys cached, tokens verified."""

    def __init__(
        self, wire: Wire, provider: Provider, registration: Registration, clock: Clock
    ) -> None:
        """Use `open` to make one."""
        self.wire = wire
        self.provider = provider
        self.registration = registration
        self.client = TokenClient(wire, provider, registration)
        self._clock = clock
        self._keys = provider.keys
        self._keys_fetched_at = clock.monotonic()

    @classmethod
    async def open(
        cls,
        application: Application,
        target: Target,
        transport: httpx.AsyncBaseTransport,
        *,
        clock: Clock,
        timeout_seconds: float,
    ) -> "RelyingApplication":
        """Read the provider's discovery and keys; raises `StepFailedError`."""
        wire = Wire(target, transport, seconds_max=timeout_seconds)
        registration = Registration(
            client_id=application.client_id,
            client_secret=application.client_secret,
            redirect_uri=application.redirect_uri,
            audience=application.audience,
        )
        return cls(wire, await discover(wire), registration, clock)

    def through(
        self, transport: httpx.AsyncBaseTransport, *, timeout_seconds: float
    ) -> "RelyingApplication":
        """Return the same application for users whose requests take another way."""
        wire = Wire(self.wire.target, transport, seconds_max=timeout_seconds)
        return RelyingApplication(wire, self.provider, self.registration, self._clock)

    async def verify(
        self, answer: Answer, tokens: TokenSet, *, nonce: str | None
    ) -> tuple[AccessClaims, IdentityClaims | None]:
        """Verify what was minted; fails the step of `answer` where it must not be accepted.

        The id token may be missing only where `nonce` is None, that is after a refresh.
        """
        try:
            await self._know_key_of(tokens.access_token)
            access = verify_access_token(tokens.access_token, self._keys, self._expectation())
            if tokens.id_token is None and nonce is None:
                return access, None
            identity = verify_id_token(
                tokens.id_token or "",
                self._keys,
                self._expectation(),
                nonce=nonce,
                access_token=tokens.access_token,
            )
        except TokenRejectedError as error:
            answer.fail("valid tokens", got=str(error), kind=FailureKind.WRONG_CONTENT)
        return access, identity

    async def _know_key_of(self, token: str) -> None:
        """Fetch the keys again where a token names one that is not known yet."""
        now = self._clock.monotonic()
        if read_header(token).get("kid") in self._keys.keys:
            return
        if now - self._keys_fetched_at >= _KEYS_COOLDOWN_SECONDS:
            self._keys_fetched_at = now
            self._keys = await fetch_keys(self.wire, self.provider.jwks)

    def _expectation(self) -> Expectation:
        return Expectation(
            issuer=self.provider.issuer,
            client_id=self.registration.client_id,
            audience=self.registration.audience,
            now=self._clock.now().timestamp(),
        )
