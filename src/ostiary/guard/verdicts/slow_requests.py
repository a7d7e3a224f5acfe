"""An end to requests that never come whole: they would hold a connection for ever.

Falcon waits for the first part of a body before any resource is called, so this stands around it.
Nothing that is answered here takes long by itself.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

REQUEST_SECONDS_MAX: Final = 10.0

Message = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]
"""An ASGI application: scope, receive, send."""

_SLOW: Final = {
    "error": "request_slow",
    "message": "The request did not come in time.",
    "hint": f"Send it whole within {REQUEST_SECONDS_MAX:g} s.",
    "exit_code": 2,
}


def within(app: Application, seconds: float) -> Application:
    """Return the application with an end to each request, which is then answered with 408."""

    async def bounded(scope: Message, receive: Any, send: Callable[[Message], Any]) -> None:  # noqa: ANN401
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            async with asyncio.timeout(seconds):
                await app(scope, receive, noting)
        except TimeoutError:
            if not has_begun:
                await _tell_slow(send)

    return bounded


async def _tell_slow(send: Callable[[Message], Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(_SLOW).encode()})
