"""Talking to one Envoy's administration interface over its Unix socket."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ostiary.edge.unix_http import UnixConnections
from ostiary.kernel.errors import OstiaryError

_TIMEOUT_S = 2.0
_OK = 200
_SILENCE = (TimeoutError, ConnectionError, FileNotFoundError, ValueError)
"""What an Envoy can do to a question. Any other `OSError` is the guard's own trouble."""

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
        self._connections = UnixConnections(self._socket_path)

    async def ready(self) -> bool:
        """Return whether Envoy has loaded its configuration and serves.

        Raises `OSError` where it could not even be asked.
        """
        try:
            status, _ = await self._exchange("GET", "/ready")
        except _SILENCE:
            return False
        return status == _OK

    async def stats(self, pattern: str, *, kind: str = "") -> str:
        """Return the statistics whose name matches, one `name: value` per line.

        `kind` may be `Counters` or another of Envoy's names.
        """
        parameters = {"filter": pattern} | ({"type": kind} if kind else {})
        return (await self._get("/stats", parameters)).decode()

    async def histograms(self, pattern: str) -> Any:  # noqa: ANN401 - foreign JSON
        """Return the JSON of the histograms whose name matches, in disjoint buckets."""
        parameters = {"filter": pattern, "type": "Histograms", "format": "json"}
        return json.loads(await self._get("/stats", parameters | {"histogram_buckets": "disjoint"}))

    async def clusters(self) -> Any:  # noqa: ANN401 - foreign JSON
        """Return the JSON of all clusters with the health of their hosts."""
        return json.loads(await self._get("/clusters", {"format": "json"}))

    async def close_listeners(self) -> None:
        """Accept no new connections; requests under way are answered."""
        await self._ask("POST", "/drain_listeners")

    async def close(self) -> None:
        """Give the connections back; a later call connects again."""
        self._connections.close()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    async def _get(self, path: str, parameters: dict[str, str]) -> bytes:
        return await self._ask("GET", f"{path}?{urlencode(parameters)}")

    async def _ask(self, method: str, target: str) -> bytes:
        try:
            _, body = await self._exchange(method, target)
        except (OSError, ValueError) as problem:
            raise _no_answer(self._name, problem) from problem
        return body

    async def _exchange(self, method: str, target: str) -> tuple[int, bytes]:
        async with asyncio.timeout(_TIMEOUT_S):
            return await self._connections.exchange(method, target)

    def _socket_path(self) -> str:
        path = str(self._directory / self._name)
        if len(path) <= _LONGEST_PATH:
            return path
        if self._descriptor is None:
            self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}/{self._name}"


def _no_answer(name: str, problem: Exception) -> EnvoySilentError:
    return EnvoySilentError(
        "envoy_silent",
        f"The Envoy behind {name} does not answer.",
        hint="It is restarted when it has died.",
        detail=repr(problem),
    )
