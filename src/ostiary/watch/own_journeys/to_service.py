"""The way of a journey to one service: only to its own paths, and as the edge passes them on."""

from collections.abc import Sequence

import httpx

from ostiary.edge.service_model import is_below


class ToService(httpx.AsyncBaseTransport):
    """Sends over another transport what is below one of the service's routes, and nothing else.

    At a replica's own port the edge's part is done here: with `strips`, the route is taken off the
    path and named. What a journey has captured may lead anywhere, so that each request is looked
    at. Raises `httpx.UnsupportedProtocol` for what the edge would give to somebody else.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, routes: Sequence[str], *, strips: bool = False
    ) -> None:
        self._inner = inner
        self._routes = routes
        self._strips = strips

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of the service, as its replicas expect it."""
        path = request.url.path
        route = next((each for each in self._routes if is_below(path, each)), None)
        if route is None:
            raise httpx.UnsupportedProtocol("the path is not below a route of the service")
        if self._strips:
            request = _without(route, request)
        return await self._inner.handle_async_request(request)


def _without(route: str, request: httpx.Request) -> httpx.Request:
    """Return the request with the route taken off its path: `/orders/7` becomes `/7`."""
    target = request.url.raw_path[len(route) :]
    rest = target if target.startswith(b"/") else b"/" + target
    headers = [*request.headers.raw, (b"x-forwarded-prefix", route.encode())]
    url = request.url.copy_with(raw_path=rest)
    return httpx.Request(request.method, url, headers=headers, content=request.content)
