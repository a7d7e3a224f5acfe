"""Users and clients: the guard passes what operators ask on to a last good replica.

The control plane never touches identity's store. It speaks to a replica's admin API like anyone
else, with the admin token, straight at the replica's own port: the edge does not route it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from ostiary.kernel.errors import OstiaryError, RefusedError, UsageError
from ostiary.runtime.ports import Replica

_SECONDS_MAX = 10.0
_COPY_SECONDS_MAX = 6.0


class AdminUnavailableError(OstiaryError):
    """No replica could answer an admin request."""


class IdentityAdmin:
    """Sends admin requests to the first replica that answers."""

    def __init__(
        self,
        replicas: Callable[[], Sequence[Replica]],
        admin_token: str,
        *,
        copy_seconds_max: float = _COPY_SECONDS_MAX,
    ) -> None:
        """`copy_seconds_max` is how old a replica's own copy of the keys may be."""
        self._replicas = replicas
        self._copy_seconds_max = copy_seconds_max
        self._headers = {"authorization": f"Bearer {admin_token}"}

    async def request(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Return the replica's answer.

        Raises `UsageError` or `RefusedError` with the replica's own words when it refuses, and
        `AdminUnavailableError` when no replica answers.
        """
        for replica in self._replicas():
            try:
                return await self._ask(replica, method, path, body)
            except httpx.TransportError:
                continue
        raise AdminUnavailableError(
            "no_replica",
            "No replica of the login service answers right now.",
            hint="See `ostiary status` and the logs in the data directory.",
        )

    async def request_of_all(
        self, path: str, body: dict[str, Any], others: Sequence[Replica] = ()
    ) -> dict[str, Any]:
        """Post the same to every replica, and to `others` too; return the first one's answer.

        Returns when none goes by keys of before: one that could not be asked reads them anew by
        itself, and that is waited for. What is posted must be safe to do twice. Raises as `request`
        does; then it may have been done or not.
        """
        answer = await self.request("POST", path, body)
        replicas = [*self._replicas(), *others]
        asked = await asyncio.gather(
            *(self._ask(replica, "POST", path, body) for replica in replicas),
            return_exceptions=True,
        )
        failures = [each for each in asked if isinstance(each, BaseException)]
        for each in failures:
            if not isinstance(each, OstiaryError | httpx.TransportError):
                raise each
        if failures:
            await asyncio.sleep(self._copy_seconds_max)
        return answer

    async def _ask(
        self, replica: Replica, method: str, path: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        url = f"http://{replica.host}:{replica.port}{path}"
        async with httpx.AsyncClient(timeout=_SECONDS_MAX, trust_env=False) as client:
            response = await client.request(method, url, json=body, headers=self._headers)
        return _answer(response)

    async def seconds_until_claimable(self) -> dict[str, float] | None:
        """Return in how many seconds a new snapshot could sign, by signature algorithm.

        None where nobody can tell now: no replica answers, or one of an older release.
        """
        try:
            said = (await self.request("GET", "/admin/keys", None)).get("claimable_in_seconds")
        except OstiaryError:
            return None
        if not isinstance(said, dict):
            return None
        return {str(name): float(seconds) for name, seconds in said.items()}


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json() if response.content else {}
    except ValueError:
        value = {}
    if response.is_success:
        return dict(value)
    code = str(value.get("error", "refused"))
    message = str(value.get("message", f"The login service answered {response.status_code}."))
    hint = str(value.get("hint", ""))
    if response.status_code >= 500:  # noqa: PLR2004 - first server error
        raise AdminUnavailableError(code, message, hint=hint)
    if response.status_code in {404, 409}:
        raise RefusedError(code, message, hint=hint)
    raise UsageError(code, message, hint=hint)
