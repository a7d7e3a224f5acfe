"""The admin API of a replica, as somebody who holds the admin token uses it.

The replica's own port is asked: the edge does not route `/admin`, and no access of the control
plane may depend on the login that it guards.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import quote

import httpx

from ostiary.kernel.errors import OstiaryError
from ostiary.watch.journeys.admin_calls import IN_USE
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.patience import seconds_to_wait, unless_busy

_CREATED = 201
_NOT_FOUND = 404
_DONE = frozenset({200, 204})
_SECONDS_MAX = 10.0


class AdminApiError(OstiaryError):
    """A request to the admin API was refused or not answered; the message names which."""


class AdminApi:
    """Users and clients over HTTP. Open it with `async with`; the token is never shown."""

    def __init__(
        self,
        base_url: str,
        admin_token: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Talk to one replica at `base_url`; proxies of the environment are not used."""
        self.base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {admin_token}", "accept": "application/json"}
        self._owned = transport is None
        self._transport = KeptConnections() if transport is None else transport

    @property
    def authorization(self) -> dict[str, str]:
        """Return the header that proves who asks; not to be shown."""
        return {"authorization": self._headers["authorization"]}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._owned:
            await self._transport.aclose()

    async def create_user(
        self,
        email: str,
        password: str,
        *,
        roles: Sequence[str] = (),
        probe: bool = False,
        hash_format: str | None = None,
    ) -> str:
        """Create an account and return its id; raises `AdminApiError`, also where it exists.

        A probe's hash can be made in one of the formats that `read_in_use` tells.
        """
        document = {"email": email, "password": password, "roles": list(roles), "probe": probe}
        if hash_format is not None:
            document["hash_format"] = hash_format
        created = await self._send("POST", "/admin/users", document, wanted={_CREATED})
        return str(created["id"])

    async def delete_user(self, email: str) -> None:
        """Delete an account with its sessions and grants; one that is gone already is fine."""
        await self._send("DELETE", _user_path(email), wanted=_DONE | {_NOT_FOUND})

    async def disable_user(self, email: str) -> None:
        """Disable an account; in effect on all replicas when this returns."""
        await self._send("POST", f"{_user_path(email)}/disable", wanted=_DONE)

    async def enable_user(self, email: str) -> None:
        """Enable an account again."""
        await self._send("POST", f"{_user_path(email)}/enable", wanted=_DONE)

    async def list_probe_emails(self, *, domain: str = "") -> list[str]:
        """Return the addresses of all accounts that are marked as probes, or are of `domain`."""
        document = await self._send("GET", "/admin/users?probe=1", wanted=_DONE)
        return _probes(document.get("users"), "email", suffix=f"@{domain}" if domain else "")

    async def create_client(self, registration: Mapping[str, object]) -> str | None:
        """Register a client and return its secret; None for a public one."""
        created = await self._send("POST", "/admin/clients", registration, wanted={_CREATED})
        secret = created.get("client_secret")
        return secret if isinstance(secret, str) else None

    async def list_probe_clients(self) -> list[str]:
        """Return the ids of all probe clients."""
        document = await self._send("GET", "/admin/clients?probe=1", wanted=_DONE)
        return _probes(document.get("clients"), "client_id")

    async def delete_client(self, client_id: str) -> None:
        """Delete a client with its grants; one that is gone already is fine."""
        path = f"/admin/clients/{quote(client_id, safe='')}"
        await self._send("DELETE", path, wanted=_DONE | {_NOT_FOUND})

    async def read_in_use(self) -> dict[str, object]:
        """Return which formats of hashes and kinds of clients there are; empty where nobody tells.

        A last good release may be older than the question.
        """
        return await self._send("GET", IN_USE, wanted=_DONE | {_NOT_FOUND})

    async def _send(
        self,
        method: str,
        path: str,
        document: Mapping[str, object] | None = None,
        *,
        wanted: frozenset[int] | set[int],
    ) -> dict[str, object]:
        content = None if document is None else json.dumps(document).encode()
        headers = dict(self._headers)
        if content is not None:
            headers["content-type"] = "application/json"

        async def ask() -> httpx.Response:
            request = httpx.Request(method, self.base_url + path, headers=headers, content=content)
            async with asyncio.timeout(_SECONDS_MAX):
                response = await self._transport.handle_async_request(request)
                await response.aread()
            return response

        try:
            response = await unless_busy(
                ask, lambda response: seconds_to_wait(response.status_code, response.headers)
            )
        except (httpx.HTTPError, TimeoutError) as error:
            reason = type(error).__name__
            raise _error(method, path, f"was not answered by {self.base_url}: {reason}") from error
        answer = _json_object(response.content)
        if response.status_code not in wanted:
            said = str(answer.get("message") or answer.get("error") or "")[:200].rstrip(".")
            raise _error(method, path, f"was answered HTTP {response.status_code} {said}".strip())
        return answer


def _probes(entries: object, name: str, *, suffix: str = "") -> list[str]:
    """Return the names of the entries that are probes; users' own are left alone.

    A probe is marked as one, or its name ends in `suffix`.
    """
    if not isinstance(entries, list):
        return []
    names = [(str(entry[name]), entry.get("probe") is True) for entry in entries]
    return [each for each, marked in names if marked or (suffix and each.endswith(suffix))]


def _user_path(email: str) -> str:
    return f"/admin/users/{quote(email, safe='@')}"


def _error(method: str, path: str, problem: str) -> AdminApiError:
    return AdminApiError(
        "admin_api_failed",
        f"{method} {path} {problem}.",
        hint="Look at the replica's log; the admin token must be the one it was started with.",
    )


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
