"""The probe accounts of one change: made when they are first needed, gone when it has ended."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.probes import ProbeAccount, ProbeAdmin

_ACCOUNTS = 9
"""One for the control, the others for the canary: a fault may hit only a share of accounts."""
_ACCOUNTS_IN_TURN = 2
_SWEEP_SECONDS_MAX = 3.0


class ProbePool:
    """Hands out accounts that live as long as the change."""

    def __init__(self, admin: Callable[[], ProbeAdmin]) -> None:
        self._admin = admin
        self._accounts: list[ProbeAccount] = []
        self._making = asyncio.Lock()
        self._turn = 0

    async def ready(self) -> Sequence[ProbeAccount]:
        """Return all accounts, made where there are none; raises `AdminApiError`."""
        async with self._making:
            if not self._accounts:
                async with self._admin() as admin:
                    self._accounts = [one async for one in admin.create_several(_ACCOUNTS)]
            return list(self._accounts)

    def chosen(
        self, accounts: Sequence[ProbeAccount], *, before_users: bool
    ) -> Sequence[ProbeAccount]:
        """Return all accounts before the first user's share, later some of them in turn."""
        if before_users:
            return accounts
        self._turn += 1
        start = self._turn * _ACCOUNTS_IN_TURN % len(accounts)
        return [*accounts, *accounts][start : start + _ACCOUNTS_IN_TURN]

    def take_all(self) -> Sequence[ProbeAccount]:
        """Return the accounts for the last time; the next ones are made anew."""
        accounts, self._accounts = self._accounts, []
        return accounts

    async def sweep(self) -> None:
        """Delete what an earlier guard left behind.

        What cannot be done in time is left to the next start: users are waiting.
        """
        with suppress(AdminApiError, TimeoutError):
            async with asyncio.timeout(_SWEEP_SECONDS_MAX), self._admin() as admin:
                await admin.sweep()
