"""An answer for whoever still waits when the guard ends.

The server cancels what is under way when its time to end is over. Without this the cancellation
would count as a bug: a trace in the log, and bare text to the command.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from ostiary.kernel.errors import ExitCode

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_BODY = json.dumps(
    {
        "error": "guard_unreachable",
        "message": "The guard ended before it had answered.",
        "hint": "See `ostiary status`; whether it was done is not known.",
        "exit_code": ExitCode.NOT_RUNNING,
    }
).encode()
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_BODY)).encode()),
]


def answering_when_ended(app: Application) -> Application:
    """Return the ASGI application, which says so itself when it is cancelled."""

    async def answering(scope: Message, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, noting)
        except asyncio.CancelledError:
            if begun:
                return
            with suppress(OSError, RuntimeError):
                await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
                await send({"type": "http.response.body", "body": _BODY})

    return answering
