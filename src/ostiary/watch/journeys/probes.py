"""Accounts that belong to the journeys: no roles, secrets used for one run.

Every other one has an audience of its own, so that one audience for all shows; the tokens of the
rest are for the default audience, so that a default that applications do not know shows.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Self

import httpx

from ostiary.kernel.ids import Random
from ostiary.watch.journeys.admin_api import AdminApi, AdminApiError
from ostiary.watch.relying_party.registration import Registration

_DOMAIN: Final = "probe.invalid"
_REDIRECT_URI: Final = f"https://{_DOMAIN}/callback"
"""Never opened: the browser of a journey stops where it would leave the issuer (RFC 2606)."""
_GRANTS: Final = ("authorization_code", "refresh_token", "client_credentials")
_PASSWORDS_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class ProbeAccount:
    """One user and one client of their own, so that faults of either kind can show.

    `audience` is None where its tokens are for the default one; `subject` is how the store knows
    the user, None for one of whom only the form has heard.
    Journeys that share an account enter its password under `turn`, two at a time: a service may
    take more than that for somebody who guesses, and be right.
    """

    email: str
    password: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    audience: str | None
    subject: str | None
    turn: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_PASSWORDS_AT_ONCE), repr=False, compare=False
    )

    @property
    def registration(self) -> Registration:
        """Return the client as the relying party needs it."""
        return Registration(
            client_id=self.client_id,
            client_secret=self.client_secret,
            redirect_uri=self.redirect_uri,
            audience=self.audience,
        )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who has no account yet and will ask for one by the form."""

    email: str
    password: str = field(repr=False)


class ProbeAdmin:
    """Creates and deletes probe accounts at one replica. Open it with `async with`.

    Secrets rotate by living shortly: every run gets new accounts, and `sweep` removes those that
    a killed run left behind.
    """

    def __init__(
        self,
        base_url: str,
        admin_token: str,
        *,
        rng: Random,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Use the admin API at `base_url`; `rng` makes the names and secrets."""
        self._api = AdminApi(base_url, admin_token, transport=transport)
        self._rng = rng

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._api.__aexit__()

    async def create(
        self, *, access_token_seconds: int | None = None, default_audience: bool = False
    ) -> ProbeAccount:
        """Create a user and a confidential client; raises `AdminApiError`.

        `access_token_seconds` shortens the life of this client's access tokens. Without
        `default_audience` the client gets one of its own.
        """
        name = f"probe-{self._rng.hex(6)}"
        email, password = f"{name}@{_DOMAIN}", self._rng.token(24)
        audience = None if default_audience else f"urn:ostiary:{name}"
        registration: dict[str, object] = {
            "client_id": name,
            "redirect_uris": [_REDIRECT_URI],
            "public": False,
            "grants": list(_GRANTS),
            "probe": True,
        }
        if audience is not None:
            registration["audience"] = audience
        if access_token_seconds is not None:
            registration["access_token_seconds"] = access_token_seconds
        secret = await self._api.create_client(registration)
        subject = await self._api.create_user(email, password, probe=True)
        return ProbeAccount(
            email, password, name, secret or "", _REDIRECT_URI, audience=audience, subject=subject
        )

    async def create_several(self, count: int) -> AsyncIterator[ProbeAccount]:
        """Create accounts, every other one for the default audience; raises `AdminApiError`."""
        for number in range(count):
            yield await self.create(default_audience=number % 2 == 1)

    async def delete(self, account: ProbeAccount) -> None:
        """Delete user, sessions, grants and client; raises `AdminApiError`."""
        await self._api.delete_user(account.email)
        await self._api.delete_client(account.client_id)

    async def disable(self, account: ProbeAccount) -> None:
        """Disable the user; in effect on all replicas when this returns."""
        await self._api.disable_user(account.email)

    async def sweep(self) -> int:
        """Delete all probe users and clients, return how many users; no run may be under way.

        Accounts that came by the form carry no mark, but an address that nobody else can have.
        """
        emails = await self._api.list_probe_emails(domain=_DOMAIN)
        for email in emails:
            await self._api.delete_user(email)
        for client_id in await self._api.list_probe_clients():
            await self._api.delete_client(client_id)
        return len(emails)

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[Newcomer]:
        """Provide somebody to sign up with; the account is deleted afterwards if it exists.

        One that cannot be deleted now is left to `sweep`: that is no news of the service tried.
        """
        newcomer = Newcomer(f"newcomer-{self._rng.hex(6)}@{_DOMAIN}", self._rng.token(24))
        try:
            yield newcomer
        finally:
            with suppress(AdminApiError):
                await self._api.delete_user(newcomer.email)

    @asynccontextmanager
    async def accounts(self, count: int) -> AsyncIterator[list[ProbeAccount]]:
        """Provide fresh accounts and delete them afterwards, also after a failure."""
        made: list[ProbeAccount] = []
        try:
            async for account in self.create_several(count):
                made.append(account)  # noqa: PERF401 - deleted one by one on failure
            yield made
        finally:
            await self._delete_all(made)

    async def _delete_all(self, accounts: list[ProbeAccount]) -> None:
        """Delete as many as possible before the first problem is told."""
        problem: AdminApiError | None = None
        for account in accounts:
            try:
                await self.delete(account)
            except AdminApiError as error:
                problem = problem or error
        if problem is not None:
            raise problem
