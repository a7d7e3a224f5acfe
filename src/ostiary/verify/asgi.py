"""The ASGI middleware: for Starlette, FastAPI and any other ASGI 3 application."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from ostiary.verify.answers import Answer
from ostiary.verify.gate import Gate
from ostiary.verify.principal import PRINCIPAL_KEY
from ostiary.verify.verifier import Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008
_HTTP_ANSWER = "websocket.http.response"


class VerifyASGI:
    """Lets requests and WebSockets through whose access token is good, and answers the others.

    The application finds the `Principal` in the scope, under `ostiary.principal`. The keywords are
    those of `Gate`, and so are the errors. Middleware that answers preflight requests (CORS) has to
    stand outside of this.
    """

    def __init__(
        self,
        app: Application,
        verifier: Verifier,
        *,
        public: Collection[str] = (),
        required: bool = True,
    ) -> None:
        self._app = app
        self._gate = Gate(verifier, public=public, required=required)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            if scope["type"] == "lifespan":
                # The keys come while the application starts, and no request waits for them.
                self._gate.verifier.start()
            await self._app(scope, receive, send)
            return
        values = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        admitted = await self._gate.admit_async(scope["path"], values)
        if not isinstance(admitted, Answer):
            await self._app({**scope, PRINCIPAL_KEY: admitted}, receive, send)
        elif scope["type"] == "http":
            await _send(admitted, send, "http.response")
        elif _HTTP_ANSWER in (scope.get("extensions") or {}):
            await _send(admitted, send, _HTTP_ANSWER)
        else:
            # Before it is accepted, the server makes a 403 of it.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})


async def _send(answer: Answer, send: Send, kind: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})
