"""Every exchange with the edge, written down below whatever the users make of it."""

from dataclasses import dataclass, field

import httpx

from ostiary.kernel.clock import Clock
from ostiary.watch.relying_party.connections import KeptConnections
from tests.matrix.moments import Now, Span


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came; `status` is 0 where nothing came. No query, no secret."""

    span: Span
    method: str
    path: str
    status: int
    request_id: str


@dataclass(slots=True)
class RecordedConnections(httpx.AsyncBaseTransport):
    """The users' connections, which are kept, with a record of what went over them."""

    clock: Clock
    now: Now
    exchanges: list[Exchange] = field(default_factory=list)
    _inner: KeptConnections = field(init=False)

    def __post_init__(self) -> None:
        self._inner = KeptConnections(clock=self.clock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began, status, request_id = self.now(), 0, ""
        try:
            response = await self._inner.handle_async_request(request)
            status = response.status_code
            request_id = str(response.headers.get("x-request-id", ""))
            return response
        finally:
            span = Span(began, self.now())
            path = request.url.path
            self.exchanges.append(Exchange(span, request.method, path, status, request_id))

    async def aclose(self) -> None:
        await self._inner.aclose()
