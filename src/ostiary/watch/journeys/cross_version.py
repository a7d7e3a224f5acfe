"""What one version mints must work at the other: users move between them within one login.

While a change is in canary, every request of a user may reach another version. After a rollback
everything that the new version minted is left to the old one.
"""

from dataclasses import dataclass

from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.probes import ProbeAccount
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
    enter_password,
    require_sign_in_page,
    require_signed_in,
    sign_out,
)


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
        login = await self.minter.login()
        self._require_keys(login)
        access_token = login.tokens.access_token
        await check_userinfo(self.verifier, access_token, login, step="userinfo_elsewhere")
        await check_active(self.verifier, access_token, login, step="introspect_elsewhere")
        await check_session(self.verifier, self.verifier.device(login.browser.jar))
        renewed = await refresh(self.verifier, login, step="refresh_elsewhere")
        # And back: what the verifier minted in between is good at the minter.
        await check_userinfo(self.minter, renewed.access_token, login, step="userinfo_back")
        answer = await self.minter.client.refresh(renewed.refresh_token or "", step="refresh_back")
        answer.require(answer.status == 200, "tokens with HTTP 200")  # noqa: PLR2004

    async def form_and_code(self) -> None:
        """Send the minter's sign-in page to the verifier; redeem the code at the minter."""
        minter, verifier = self.minter, self.verifier
        here = minter.device()
        there = verifier.device(here.jar)
        request = minter.request()
        page = require_sign_in_page(await ask_for_code(here, minter.location(request)))
        account = minter.account
        async with account.turn:
            entered = await enter_password(there, page, account.email, account.password)
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
