"""How other processes talk to a running guard: HTTP over a Unix socket in the data directory.

Only the owner of the data directory can open the socket, so the socket itself is the credential.
"""

import json
import socket
from pathlib import Path
from typing import Any

import httpx

from ostiary.kernel.errors import ExitCode, NotRunningError, OstiaryError

_SECONDS_MAX = 30.0


class GuardError(OstiaryError):
    """An expected problem that the guard reported; it keeps the guard's own exit code."""

    def __init__(self, code: str, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(code, message, hint=hint)
        self.exit_code = ExitCode(exit_code)


class GuardClient:
    """Calls the guard of one data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def get(self, path: str) -> dict[str, Any]:
        """Return the guard's answer to a question. Raises as `post` does."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the guard's answer to a request.

        Raises `NotRunningError` when no guard answers, `GuardError` when it reports a problem.
        """
        return self._call("POST", path, body or {})

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        listener = read_socket(self._data)
        _require_listener(listener, self._data)
        transport = httpx.HTTPTransport(uds=str(listener))
        try:
            with httpx.Client(
                transport=transport, base_url="http://guard", timeout=_SECONDS_MAX
            ) as client:
                response = client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise _unreachable(self._data) from error
        answer: dict[str, Any] = response.json()
        if response.is_success:
            return answer
        raise GuardError(
            str(answer.get("error", "unknown")),
            str(answer.get("message", "The guard reported an unknown problem.")),
            hint=str(answer.get("hint", "")),
            exit_code=int(answer.get("exit_code", ExitCode.INTERNAL)),
        )


def read_socket(data: Path) -> Path:
    """Return the path of the guard's socket. Raises `NotRunningError` when none is recorded."""
    try:
        record = json.loads((data / "guard.json").read_text())
        return Path(record["socket"])
    except (OSError, ValueError, KeyError, TypeError):
        raise NotRunningError(
            "guard_not_running",
            f"No guard runs on {data}.",
            hint="Start it with `ostiary up`, or name the data directory with --data.",
        ) from None


def _require_listener(path: Path, data: Path) -> None:
    """Raise `NotRunningError` where nobody listens: the HTTP client would leak its socket then."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            raise _unreachable(data) from error


def _unreachable(data: Path) -> NotRunningError:
    return NotRunningError(
        "guard_unreachable",
        f"The guard of {data} does not answer.",
        hint="Start it with `ostiary up`.",
    )
