"""How other processes talk to a running guard: HTTP over a Unix socket.

The guard knows the caller by the user id that the kernel notes, or by a token. A token goes only
to a socket that nobody but root and the guard's own user can have put there.
"""

import json
import os
import socket
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from ostiary.guard.socket import require_safe
from ostiary.kernel.errors import ExitCode, NotRunningError, OstiaryError

SECONDS_MAX = 30.0
"""How long an answer may take, unless the caller says otherwise."""


class GuardError(OstiaryError):
    """An expected problem that the guard reported; it keeps the guard's own exit code."""

    def __init__(self, code: str, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(code, message, hint=hint)
        self.exit_code = ExitCode(exit_code)


class _SocketConnection(HTTPConnection):
    """HTTP over a Unix socket, closed whatever happens."""

    def __init__(self, path: Path, seconds_max: float) -> None:
        super().__init__("guard", timeout=seconds_max)
        self._path = path

    def connect(self) -> None:
        """Open the socket; raises `OSError` where nobody listens."""
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.settimeout(self.timeout)
            listener.connect(str(self._path))
        except OSError:
            listener.close()
            raise
        self.sock = listener


class GuardClient:
    """Calls the guard of one data directory, or the one behind `socket`, where that is given.

    Waits `seconds_max` for each answer.
    """

    def __init__(
        self,
        data: Path,
        *,
        socket: Path | None = None,
        token: str | None = None,
        seconds_max: float = SECONDS_MAX,
    ) -> None:
        self._data = data
        self._socket = socket
        self._token = token
        self._seconds_max = seconds_max

    @property
    def is_elsewhere(self) -> bool:
        """Return whether the guard is named by its socket, so that its data cannot be reached."""
        return self._socket is not None

    @property
    def _guard(self) -> str:
        """Name the guard in messages."""
        return (
            f"The guard of {self._data}" if self._socket is None else f"The guard at {self._socket}"
        )

    def get(self, path: str) -> dict[str, Any]:
        """Return the guard's answer to a question. Raises as `post` does."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the guard's answer to a request.

        Raises `NotRunningError` when no guard answers, `GuardError` when it reports a problem.
        """
        return self._call("POST", path, body or {})

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if content else {}
        path_of_socket = self._socket or read_socket(self._data)
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            if self._token is not None:
                _require_own_socket(path_of_socket)
            with closing(_SocketConnection(path_of_socket, self._seconds_max)) as connection:
                connection.request(method, path, content, headers)
                response = connection.getresponse()
                text = response.read()
        except PermissionError as error:
            raise _not_for_you(path_of_socket) from error
        except (OSError, HTTPException) as error:
            raise NotRunningError(
                "guard_unreachable",
                f"{self._guard} does not answer.",
                hint="Start it with `ostiary up`.",
            ) from error
        try:
            answer: dict[str, Any] = json.loads(text or b"{}")
        except ValueError as error:
            # A guard that is told to end breaks off what it was answering, with bare text.
            raise NotRunningError(
                "guard_unreachable",
                f"{self._guard} ended before it had answered.",
                hint="See `ostiary status`; whether it was done is not known.",
            ) from error
        if response.status < HTTPStatus.BAD_REQUEST:
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
    except PermissionError:
        raise _not_for_you(data) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise NotRunningError(
            "guard_not_running",
            f"No guard runs on {data}.",
            hint="Start it with `ostiary up`, or name the data directory with --data.",
        ) from None


def _not_for_you(path: Path) -> NotRunningError:
    return NotRunningError(
        "guard_not_for_you",
        f"You may not open {path}.",
        hint="Operators come by the socket that `[guard] socket` names: write --socket PATH, or "
        "set $OSTIARY_SOCKET.",
    )


def _require_own_socket(path: Path) -> None:
    """Raise `UsageError` where a token could be handed to somebody who has put a socket there."""
    owner = path.parent.stat().st_uid
    require_safe(path.parent, owners={0, owner, os.geteuid()})
