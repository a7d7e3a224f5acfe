"""Accounts that belong to the journeys: no roles, secrets used for one run.

Every other one has an audience of its own, so that one audience for all shows; the tokens of the
rest are for the default audience, so that a default that applications do not know shows.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final, Self

import httpx

from ostiary.kernel.ids import Random
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApi, AdminApiError
from ostiary.watch.journeys.admin_calls import AdminCalls
from ostiary.watch.journeys.in_use import CODE, EVERYTHING, ClientKind, InUse
from ostiary.watch.journeys.probe_account import (
    DOMAIN,
    REDIRECT_URI,
    Newcomer,
    ProbeAccount,
    registration_of,
)
from ostiary.watch.relying_party.wire import Wire

__all__ = ["Newcomer", "ProbeAccount", "ProbeAdmin"]

_WORDS: Final = ("pr\u00fcfer", "p\u00e4ssw\u00f6rd-\u65e5\u672c\u8a9e")
"""A local part and the beginning of a password in letters that ASCII does not know, composed."""


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
        self,
        *,
        access_token_seconds: int | None = None,
        kind: ClientKind = EVERYTHING,
        hash_format: str | None = None,
        name_is_ascii: bool = True,
    ) -> ProbeAccount:
        """Create a client of a `kind`, and its user if it signs anybody in.

        `access_token_seconds` shortens the life of this client's access tokens, `hash_format` is
        how the user's password is kept. Raises `AdminApiError`.
        """
        name = f"probe-{self._rng.hex(6)}"
        email, password = f"{name}@{DOMAIN}", self._rng.token(24)
        if not name_is_ascii:
            email, password = f"{_WORDS[0]}-{email}", f"{_WORDS[1]}-{password}"
        signs_in = CODE in kind.grants
        registration = registration_of(name, kind)
        if access_token_seconds is not None:
            registration["access_token_seconds"] = access_token_seconds
        secret = await self._api.create_client(registration)
        subject = None
        if signs_in:
            subject = await self._api.create_user(
                email, password, probe=True, hash_format=hash_format
            )
        return ProbeAccount(
            email if signs_in else "",
            password if signs_in else "",
            name,
            secret,
            REDIRECT_URI,
            audience=f"urn:ostiary:{name}" if kind.own_audience else None,
            subject=subject,
            kind=kind,
        )

    def calls(self, site: Site, *, through_edge: bool = False) -> AdminCalls:
        """Return the admin API of a site to be tried, with the token; as the edge if wanted."""
        target = site.target if through_edge else replace(site.target, as_edge=None)
        return AdminCalls(Wire(target, site.transport), self._api.authorization)

    async def create_several(self, count: int) -> AsyncIterator[ProbeAccount]:
        """Create accounts, every other one for the default audience; raises `AdminApiError`."""
        for number in range(count):
            yield await self.create(kind=replace(EVERYTHING, own_audience=number % 2 == 0))

    async def delete(self, account: ProbeAccount) -> None:
        """Delete user, sessions, grants and client; raises `AdminApiError`."""
        if account.email:
            await self._api.delete_user(account.email)
        await self._api.delete_client(account.client_id)

    async def disable(self, account: ProbeAccount) -> None:
        """Disable the user; in effect on all replicas when this returns."""
        await self._api.disable_user(account.email)

    async def sweep(self) -> int:
        """Delete all probe users and clients, return how many users; no run may be under way.

        Accounts that came by the form carry no mark, but an address that nobody else can have.
        """
        emails = await self._api.list_probe_emails(domain=DOMAIN)
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
        newcomer = Newcomer(f"newcomer-{self._rng.hex(6)}@{DOMAIN}", self._rng.token(24))
        try:
            yield newcomer
        finally:
            with suppress(AdminApiError):
                await self._api.delete_user(newcomer.email)

    @asynccontextmanager
    async def account(
        self,
        *,
        kind: ClientKind = EVERYTHING,
        hash_format: str | None = None,
        name_is_ascii: bool = True,
    ) -> AsyncIterator[ProbeAccount]:
        """Provide one account as `create` makes it, for one journey.

        Raises `AdminApiError` where it cannot be made. What cannot be deleted now is left to
        `sweep`.
        """
        account = await self.create(kind=kind, hash_format=hash_format, name_is_ascii=name_is_ascii)
        try:
            yield account
        finally:
            with suppress(AdminApiError):
                await self.delete(account)

    @asynccontextmanager
    async def to_be_made(self) -> AsyncIterator[ProbeAccount]:
        """Provide user and client for somebody else to make; they are deleted as others are."""
        name = f"probe-{self._rng.hex(6)}"
        email, password = f"{name}@{DOMAIN}", self._rng.token(24)
        planned = ProbeAccount(email, password, name, None, REDIRECT_URI, None, None)
        try:
            yield replace(planned, kind=replace(EVERYTHING, own_audience=False))
        finally:
            with suppress(AdminApiError):
                await self.delete(planned)

    async def in_use(self) -> InUse:
        """Return what the store holds that a release must serve; raises `AdminApiError`."""
        return InUse.read(await self._api.read_in_use())

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
