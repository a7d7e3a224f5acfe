"""Talking to one Envoy's administration interface over its Unix socket."""

import json
import os
from pathlib import Path
from typing import Any

import httpx

from ostiary.kernel.errors import OstiaryError

_TIMEOUT_S = 2.0
# Longer paths do not fit into a Unix socket's address.
_LONGEST_PATH = 100


class EnvoySilentError(OstiaryError):
    """One Envoy does not answer: it is starting, hangs, or has died."""


class AdminClient:
    """Kept connections to one Envoy; a question without answer is an `EnvoySilentError`."""

    def __init__(self, directory: Path, name: str) -> None:
        """Connect later to the socket `name` in `directory`."""
        self._directory = directory
        self._name = name
        self._descriptor: int | None = None
        self._client: httpx.AsyncClient | None = None

    async def ready(self) -> bool:
        """Return whether Envoy has loaded its configuration and serves."""
        try:
            response = await self._get("/ready")
        except EnvoySilentError:
            return False
        return response.status_code == httpx.codes.OK

    async def stats(self, pattern: str, *, kind: str = "") -> str:
        """Return the statistics whose name matches, one `name: value` per line.

        `kind` may be `Counters` or another of Envoy's names.
        """
        parameters = {"filter": pattern} | ({"type": kind} if kind else {})
        return (await self._get("/stats", parameters)).text

    async def histograms(self, pattern: str) -> Any:  # noqa: ANN401 - foreign JSON
        """Return the JSON of the histograms whose name matches, in disjoint buckets."""
        parameters = {"filter": pattern, "type": "Histograms", "format": "json"}
        answer = await self._get("/stats", parameters | {"histogram_buckets": "disjoint"})
        return json.loads(answer.text)

    async def clusters(self) -> Any:  # noqa: ANN401 - foreign JSON
        """Return the JSON of all clusters with the health of their hosts."""
        return json.loads((await self._get("/clusters", {"format": "json"})).text)

    async def close_listeners(self) -> None:
        """Accept no new connections; requests under way are answered."""
        client = self._connected()
        try:
            await client.post("/drain_listeners")
        except httpx.HTTPError as problem:
            raise _no_answer(self._name, problem) from problem

    async def close(self) -> None:
        """Give the connection back; a later call connects again."""
        client, self._client = self._client, None
        descriptor, self._descriptor = self._descriptor, None
        if client is not None:
            await client.aclose()
        if descriptor is not None:
            os.close(descriptor)

    async def _get(self, path: str, parameters: dict[str, str] | None = None) -> httpx.Response:
        client = self._connected()
        try:
            return await client.get(path, params=parameters)
        except httpx.HTTPError as problem:
            raise _no_answer(self._name, problem) from problem

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            transport = httpx.AsyncHTTPTransport(uds=self._socket_path())
            self._client = httpx.AsyncClient(
                transport=transport, base_url="http://envoy", timeout=_TIMEOUT_S
            )
        return self._client

    def _socket_path(self) -> str:
        path = str(self._directory / self._name)
        if len(path) <= _LONGEST_PATH:
            return path
        self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}/{self._name}"


def _no_answer(name: str, problem: Exception) -> EnvoySilentError:
    return EnvoySilentError(
        "envoy_silent",
        f"The Envoy behind {name} does not answer.",
        hint="It is restarted when it has died.",
        detail=repr(problem),
    )
