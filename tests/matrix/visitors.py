"""What users, applications and an operator do during a run. Each action is one of the ledger."""

from dataclasses import dataclass, field
from typing import Any

from ostiary.drills.applications import RelyingApplication
from ostiary.drills.ledger import Expected
from ostiary.drills.traffic_plan import Person
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.forgery import change_payload
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    enter_password,
    read_code,
    require_sign_in_page,
    require_signed_in,
    sign_in_for_code,
    sign_in_page,
    sign_out,
)
from ostiary.watch.relying_party.grants import TokenSet, read_token_set
from ostiary.watch.relying_party.provider import fetch_keys
from ostiary.watch.relying_party.registration import AuthorizationRequest
from tests.matrix.acknowledged import Acknowledged, KeptFamily, KeptSession
from tests.matrix.cluster import Cluster
from tests.matrix.records import Recorder

ROLES = ("member",)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device with a session, and the code that it brought to the application."""

    browser: Browser
    code: str = field(repr=False)
    request: AuthorizationRequest = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Tokens, and the code that they were given for."""

    tokens: TokenSet = field(repr=False)
    code: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(slots=True)
class Visitors:
    """All actions. Results are None where an action was not granted."""

    cluster: Cluster
    application: RelyingApplication
    recorder: Recorder
    known: Acknowledged
    rng: Random

    async def sign_in(self, person: Person, action: str = "sign_in") -> SignedIn | None:
        """Sign in on a new device on the way from the application."""

        async def call() -> SignedIn:
            browser, request = self._device(), AuthorizationRequest.fresh(self.rng)
            location = self._location(request)
            arrived = await sign_in_for_code(browser, location, person.email, person.password)
            return SignedIn(browser, self._read_code(arrived, request), request)

        return await self.recorder.act(person.name, action, call)

    async def redeem(self, person: Person, signed_in: SignedIn) -> Redeemed | None:
        """Exchange the code. Where no answer came, the session gets the application another one."""
        tried = False

        async def call() -> Redeemed:
            nonlocal tried
            code, request = signed_in.code, signed_in.request
            if tried:
                request = AuthorizationRequest.fresh(self.rng)
                arrived = await ask_for_code(signed_in.browser, self._location(request))
                code = self._read_code(arrived, request)
            tried = True
            answer = await self.application.client.exchange(code, request.verifier)
            tokens = read_token_set(answer)
            access, _ = await self.application.verify(answer, tokens, nonce=request.nonce)
            answer.require(
                access.roles == frozenset(person.roles),
                "the own roles",
                got="other roles",
                kind=FailureKind.WRONG_CONTENT,
            )
            return Redeemed(tokens, code, request.verifier)

        return await self.recorder.act(person.name, "token", call)

    async def refuse_used_code(self, person: Person, redeemed: Redeemed) -> None:
        """Redeem a code again that was redeemed; its family is revoked by that."""

        async def call() -> None:
            answer = await self.application.client.exchange(
                redeemed.code, redeemed.verifier, step="used_code"
            )
            read_token_set(answer)

        await self.recorder.act(person.name, "used_code", call, expected=Expected.REFUSE)

    async def look_at_userinfo(self, person: Person, tokens: TokenSet) -> None:
        async def call() -> None:
            answer = await self.application.client.userinfo(tokens.access_token)
            _require_ok(answer)
            _require_own(answer, str(answer.json().get("email")), person)

        await self.recorder.act(person.name, "userinfo", call)

    async def introspect(
        self,
        person: Person,
        tokens: TokenSet,
        action: str = "introspect",
        *,
        expected: Expected = Expected.GRANT,
    ) -> None:
        async def call() -> None:
            answer = await self.application.client.introspect(tokens.access_token)
            _require_ok(answer)
            if answer.json().get("active") is not True:
                answer.fail("an active token", got="an inactive one", kind=FailureKind.REFUSED)

        await self.recorder.act(person.name, action, call, expected=expected)

    async def refuse_forged_token(self, person: Person, tokens: TokenSet) -> None:
        forged = change_payload(tokens.access_token)

        async def call() -> None:
            _require_ok(await self.application.client.userinfo(forged, step="forged_token"))

        await self.recorder.act(person.name, "forged_token", call, expected=Expected.REFUSE)

    async def refresh(self, family: KeptFamily, action: str = "refresh") -> bool:
        """Use the newest refresh token; return whether it was replaced by another one."""

        async def call() -> TokenSet:
            refresh_token = family.tokens.refresh_token or ""
            answer = await self.application.client.refresh(refresh_token)
            tokens = read_token_set(answer)
            await self.application.verify(answer, tokens, nonce=None)
            return tokens

        tokens = await self.recorder.act(family.person.name, action, call)
        family.certain = tokens is not None
        if tokens is None:
            return False
        family.replaced, family.tokens = family.tokens, tokens
        return True

    async def refuse_replaced_token(self, person: Person, replaced: TokenSet) -> None:
        """Use a refresh token that was replaced, and whose successor was used as well."""

        async def call() -> None:
            client = self.application.client
            answer = await client.refresh(replaced.refresh_token or "", step="replaced_token")
            read_token_set(answer)

        await self.recorder.act(person.name, "replaced_token", call, expected=Expected.REFUSE)

    async def refuse_password(self, person: Person, password: str, action: str) -> None:
        """Try to sign in with something that must not open a session."""

        async def call() -> None:
            browser, request = self._device(), AuthorizationRequest.fresh(self.rng)
            page = require_sign_in_page(await ask_for_code(browser, self._location(request)))
            answer = await enter_password(browser, page, person.email, password)
            if not answer.is_redirect:
                again = sign_in_page(answer) is not None
                answer.fail("a session", kind=FailureKind.REFUSED if again else None)
            self._read_code(await browser.follow(answer), request)

        await self.recorder.act(person.name, action, call, expected=Expected.REFUSE)

    async def look_at_session(
        self, kept: KeptSession, action: str = "session", *, expected: Expected = Expected.GRANT
    ) -> None:
        """Open the page that says who is signed in, with the cookies of a device."""

        async def call() -> None:
            browser = self._device(kept.jar.copy())
            answer = await browser.get("session", "/demo")
            _require_ok(answer)
            if "Nobody is signed in" in answer.text:
                answer.fail("a session", got="nobody is signed in", kind=FailureKind.REFUSED)
            shown = kept.person.email if kept.person.email in answer.text else "another address"
            _require_own(answer, shown, kept.person)

        await self.recorder.act(kept.person.name, action, call, expected=expected)

    async def refuse_session(self, kept: KeptSession) -> None:
        """Use the cookies of a session that has ended, and the tokens that came of it."""
        await self.look_at_session(kept, "ended_session", expected=Expected.REFUSE)
        if kept.tokens is not None:
            await self.introspect(kept.person, kept.tokens, "ended_token", expected=Expected.REFUSE)

    async def sign_out(self, kept: KeptSession) -> None:
        """Sign out; the cookies stay with the device, as with a thief who copied them before."""

        async def call() -> bool:
            await sign_out(self._device(kept.jar.copy()))
            return True

        self.known.drop_sessions([kept])
        if await self.recorder.act(kept.person.name, "sign_out", call, again=False):
            self.known.ended.append(kept)

    async def sign_up(self, person: Person) -> None:
        """Make an account by the form; its owner is signed in."""
        jar = CookieJar()

        async def call() -> bool:
            browser = self._device(jar)
            opened = await browser.follow(await browser.get("sign_up", "/sign-up"))
            page = sign_in_page(opened)
            if page is None:
                opened.fail("the form to sign up with")
            fields = [("email", person.email), ("password", person.password)]
            answer = await browser.submit("sign_up", page.answer, page.form, fields)
            require_signed_in(answer)
            return True

        if await self.recorder.act(person.name, "sign_up", call, again=False):
            self.known.accounts[person.email] = person
            self.known.sessions.append(KeptSession(person, jar))

    async def add_user(self, person: Person) -> None:
        """Let an operator add an account."""
        body = {"email": person.email, "password": person.password, "roles": list(person.roles)}
        if await self._operate("user_add", "/users", body, again=False):
            self.known.accounts[person.email] = person

    async def disable_user(self, person: Person) -> None:
        """Let an operator disable an account, which ends its sessions before the answer."""
        self.known.accounts.pop(person.email, None)
        open_sessions = self.known.sessions_of(person)
        self.known.drop_sessions(open_sessions)
        if await self._operate("user_disable", f"/users/{person.email}/disable", {}):
            self.known.disabled[person.email] = person
            self.known.ended.extend(open_sessions)
            await self.refuse_password(person, person.password, "disabled_user")
            for kept in open_sessions:
                await self.refuse_session(kept)

    async def fetch_keys(self) -> None:
        """Fetch the published keys, as every application does from time to time."""

        async def call() -> Any:
            return await fetch_keys(self.application.wire, self.application.provider.jwks)

        await self.recorder.act("application", "jwks", call)

    async def _operate(
        self, action: str, path: str, body: dict[str, Any], *, again: bool = True
    ) -> bool:
        async def call() -> bool:
            await self.cluster.ask(lambda client: client.post(path, body))
            return True

        return bool(await self.recorder.act("operator", action, call, again=again))

    def _device(self, jar: CookieJar | None = None) -> Browser:
        return Browser(self.application.wire, jar)

    def _location(self, request: AuthorizationRequest) -> str:
        return request.location(
            self.application.provider.authorization, self.application.registration
        )

    def _read_code(self, arrived: Any, request: AuthorizationRequest) -> str:
        application = self.application
        return read_code(arrived, request, application.registration, application.provider)


def _require_ok(answer: Answer) -> None:
    answer.require(answer.status == 200, "HTTP 200")


def _require_own(answer: Answer, shown: str, person: Person) -> None:
    answer.require(
        shown == person.email, "the own identity", got=shown, kind=FailureKind.WRONG_IDENTITY
    )
