"""What clients see of a replica: the same requests at the original and at the mutant, compared.

Pages, documents, refusals and one whole visit are asked for, as the edge would ask. What differs
between two looks at the original differs by itself, and says nothing about the mutant; nor does an
answer that only says that too much is asked for at the moment.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import httpx

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.mutants.answers import Differences, RecordingWire, Views, compared, was_busy
from ostiary.drills.traffic_plan import Application, Person
from ostiary.drills.users import SimulatedUser
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.relying_party.as_edge import AsEdge
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.front_channel import (
    end_session_location,
    enter_password,
    sign_in_page,
)
from ostiary.watch.relying_party.grants import TokenClient, TokenSet
from ostiary.watch.relying_party.provider import Provider, discover
from ostiary.watch.relying_party.registration import Registration
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire

_LOOKS_MAX: Final = 5
_PAUSE_SECONDS: Final = 1.0
_CHALLENGE: Final = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The example of RFC 7636, appendix B."""

_ASKED: Final = (
    "/oauth2/authorize?response_type=code&client_id={client}&redirect_uri={redirect}&state=s"
)
_GETS: Final = (
    "/",
    "/favicon.ico",
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/demo",
    "/nowhere",
    "/.well-known/oauth-authorization-server",
    "/oauth2/authorize",
    "/oauth2/authorize?response_type=code&client_id=nobody",
    "/oauth2/authorize?response_type=code&client_id={client}&redirect_uri=https://x.invalid/",
    "/oauth2/authorize?response_type=token&client_id={client}&redirect_uri={redirect}&state=s",
    _ASKED,
    f"{_ASKED}&scope=openid&prompt=none&code_challenge={_CHALLENGE}&code_challenge_method=S256",
    "/oauth2/userinfo",
    "/oauth2/end-session",
    "/ofrep/v1/evaluate/flags",
    "/admin/users",
)
_POSTS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("/oauth2/token", {}),
    ("/oauth2/token", {"grant_type": "password"}),
    ("/oauth2/token", {"grant_type": "authorization_code", "code": "x", "client_id": "{client}"}),
    ("/oauth2/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
    ("/oauth2/introspect", {"token": "x"}),
    ("/sign-in", {"email": "x", "password": "y"}),
    ("/sign-out", {}),
)


@dataclass(frozen=True, slots=True)
class Observer:
    """Users of an application, who look at replicas for the trial.

    `newcomer` makes a user for each look: who comes often and mistypes is soon made to wait.
    `known` are the last two looks at an original, by its address.
    """

    issuer: str
    newcomer: Callable[[], Person]
    application: Application
    as_edge: AsEdge
    clock: Clock
    rng: Random

    known: dict[str, tuple[Views, Views]] = field(default_factory=dict)

    async def differences(self, original: str, mutant: str) -> Differences:
        """Return what a client sees that differs between the replicas at two addresses, in lines.

        A line names the request, and what is different in a few words. The original is looked at
        twice, and again only where something is different: what it answers may have changed since.
        """
        async with KeptConnections() as transport:
            if original not in self.known:
                self.known[original] = await self._look_twice(original, transport)
            found = await self._compared(original, mutant, transport)
            if found.seen or found.worded:
                self.known[original] = await self._look_twice(original, transport)
                found = await self._compared(original, mutant, transport)
        return found

    async def _look_twice(
        self, url: str, transport: httpx.AsyncBaseTransport
    ) -> tuple[Views, Views]:
        first = await self._look("original", url, transport)
        return first, await self._look("original", url, transport)

    async def _compared(
        self, original: str, mutant: str, transport: httpx.AsyncBaseTransport
    ) -> Differences:
        new = await self._look("mutant", mutant, transport)
        return compared(*self.known[original], new)

    async def _look(self, name: str, url: str, transport: httpx.AsyncBaseTransport) -> Views:
        """Look at a replica, again where it had too much to do to be looked at."""
        views: Views = {}
        for _ in range(_LOOKS_MAX):
            views = await self._look_once(name, url, transport)
            if not was_busy(views):
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return views

    async def _look_once(self, name: str, url: str, transport: httpx.AsyncBaseTransport) -> Views:
        # Each from a network of its own, so that what one look got refused is not held against
        # the next.
        target = Target(name, url, self.issuer, as_edge=self.as_edge.from_elsewhere())
        wire = RecordingWire(target, transport)
        for path in _GETS:
            with suppress(StepFailedError):
                await wire.send("get", "GET", self._filled(path))
        for path, fields in _POSTS:
            form = [(name, self._filled(value)) for name, value in fields.items()]
            with suppress(StepFailedError):
                await wire.send("post", "POST", path, form=form)
        person = self.newcomer()
        with suppress(StepFailedError):
            await self._visit(person, wire)
        with suppress(StepFailedError):
            await self._browse(person, Browser(wire))
        return wire.views

    async def _visit(self, person: Person, wire: Wire) -> None:
        """Let a user sign in to the application, as those of a drill do."""
        registration = Registration(
            client_id=self.application.client_id,
            client_secret=self.application.client_secret,
            redirect_uri=self.application.redirect_uri,
            audience=self.application.audience,
        )
        provider = await discover(wire)
        application = RelyingApplication(wire, provider, registration, self.clock)
        user = SimulatedUser(person, application, self.rng)
        with suppress(StepFailedError):
            await user.mistype_password()
        tokens = await user.redeem(*await user.sign_in())
        await user.look_at_userinfo(tokens)
        await user.be_introspected(tokens)
        client = TokenClient(wire, provider, registration)
        for key in ("", "trial", "no-such-flag"):
            await client.flags(tokens.access_token, key)
        with suppress(StepFailedError):
            await user.send_forged_token(tokens)
        await user.refresh(tokens)
        # A refresh token that was used already, which ends the grant, and the way out.
        with suppress(StepFailedError):
            await user.refresh(tokens)
        await wire.send("leave", "GET", self._way_out(provider, tokens))

    def _way_out(self, provider: Provider, tokens: TokenSet) -> str:
        return end_session_location(
            provider,
            id_token_hint=tokens.id_token or "",
            post_logout_redirect_uri=self.application.redirect_uri,
            state="s",
        )

    async def _browse(self, person: Person, browser: Browser) -> None:
        """Sign in at the login service itself, look at its pages, and sign out."""
        page = sign_in_page(await browser.get("browse", "/sign-in"))
        if page is None:
            return
        answer = await enter_password(browser, page, person.email, person.password)
        await browser.follow(answer)
        for path in ("/demo", "/sign-in", "/sign-up", "/", "/sign-out"):
            await browser.get("browse", path)

    def _filled(self, text: str) -> str:
        return text.format(
            client=self.application.client_id, redirect=self.application.redirect_uri
        )
