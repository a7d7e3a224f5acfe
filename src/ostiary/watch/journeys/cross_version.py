"""What one version mints must work at the other: users move between them within one login.

While a change is in canary, every request of a user may reach another version. After a rollback
everything that the new version minted is left to the old one.
"""

from dataclasses import dataclass, replace

from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.for_itself import act_for_itself, check_active_for_itself
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.sign_in import (
    check_active,
    check_session,
    check_signed_out,
    check_userinfo,
    refresh,
)
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.front_channel import (
    ask_for_code,
    end_session_location,
    enter_patiently,
    require_sign_in_page,
    require_signed_in,
    sign_out,
)

_OK = 200


@dataclass(frozen=True, slots=True)
class CrossVersion:
    """One direction of the matrix: one account as `minter` and, elsewhere, as `verifier`."""

    minter: Actor
    verifier: Actor

    @classmethod
    def between(cls, a: Site, b: Site, account: ProbeAccount) -> "CrossVersion":
        """Return the direction in which `a` mints and `b` verifies."""
        return cls(a.actor(account), b.actor(account))

    async def tokens_and_session(self) -> None:
        """Access token, id token, session and refresh token of the minter, at the verifier."""
        minter, verifier = self.minter, self.verifier
        browser, request = minter.device(), minter.request()
        code = await minter.sign_in(browser, request)
        answer = await minter.client.exchange(code, request.verifier)
        login = minter.read_login(browser, code, request, answer)
        self._require_keys(login)
        # An application may have the verifier's keys: both tokens must verify with these, too.
        verifier.read_login(browser, code, request, replace(answer, step="verify_elsewhere"))
        access_token = login.tokens.access_token
        await check_userinfo(verifier, access_token, login, step="userinfo_elsewhere")
        await check_active(verifier, access_token, login, step="introspect_elsewhere")
        await check_session(verifier, verifier.device(login.browser.jar))
        renewed = await refresh(verifier, login, step="refresh_elsewhere")
        # And back: what the verifier minted in between is good at the minter.
        await check_userinfo(minter, renewed.access_token, login, step="userinfo_back")
        await refresh(minter, login, held=renewed, step="refresh_back")
        await self._end_by_hint(login)

    async def _end_by_hint(self, login: Login) -> None:
        """End the session at the verifier by the minter's id token, and so at both."""
        kept = login.browser.jar.copy()
        browser = self.verifier.device(login.browser.jar)
        location = end_session_location(
            self.verifier.provider, id_token_hint=login.tokens.id_token or ""
        )
        answer = await browser.get("id_token_hint_elsewhere", location)
        answer.require(
            answer.is_redirect or answer.status == _OK,
            f"the end of the session by an id token of {self.minter.site.target.name}",
        )
        for actor in (self.verifier, self.minter):
            await check_signed_out(actor, actor.device(kept.copy()))

    async def client_credentials(self) -> None:
        """Let a client act for itself at the minter, and show the token to the verifier."""
        answer, tokens = await act_for_itself(self.minter)
        there = replace(answer, step="verify_elsewhere")
        self.verifier.verify_access(there, tokens, for_itself=True)
        await check_active_for_itself(self.verifier, tokens, step="introspect_elsewhere")

    async def form_and_code(self) -> None:
        """Send the minter's sign-in page to the verifier; redeem the code at the minter."""
        minter, verifier = self.minter, self.verifier
        here = minter.device()
        there = verifier.device(here.jar)
        request = minter.request()
        page = require_sign_in_page(await ask_for_code(here, minter.location(request)))
        account = minter.account
        async with account.turn:
            entered = await enter_patiently(there, page, account.email, account.password)
        require_signed_in(entered)
        code = verifier.read_code(await there.follow(entered), request)
        answer = await minter.client.exchange(code, request.verifier, step="token_elsewhere")
        minter.read_login(here, code, request, answer)

    async def signed_out(self) -> None:
        """End the minter's session at the verifier, and require that the minter knows."""
        login = await self.minter.login()
        kept = login.browser.jar.copy()
        await sign_out(self.verifier.device(login.browser.jar))
        await check_signed_out(self.minter, self.minter.device(kept))

    def _require_keys(self, login: Login) -> None:
        """Applications may fetch the keys from either version: both must publish both's."""
        missing = {login.access.kid, login.identity.kid} - set(self.verifier.provider.keys.keys)
        if missing:
            raise StepFailedError(
                target=self.verifier.site.target.name,
                step="jwks_elsewhere",
                expected=f"the keys of {self.minter.site.target.name} in the key set",
                got="not all of them",
                kind=FailureKind.WRONG_CONTENT,
                stratum="discovery",
            )
