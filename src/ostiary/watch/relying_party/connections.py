"""Kept-alive HTTP/1.1 connections for many users on one event loop, cheap above all.

httpx brings the request and response types; its own pool looks at every connection for every
request, which costs most exactly when a service hangs and hundreds are open. This one takes the
connection that was used last, and otherwise opens a new one: there is no bound and no queue, for
waiting here would look like a fault of the service. It knows no proxies.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import h11
import httpx

from ostiary.kernel.clock import Clock, SystemClock

_READ_BYTES: Final = 65_536
_BODY_BYTES_MAX: Final = 8 * 1024 * 1024
_IDLE_SECONDS_MAX: Final = 2.0
"""Shorter than servers keep a connection: one that is about to be closed is not used again."""

_Origin = tuple[str, str, int]


class KeptConnections(httpx.AsyncBaseTransport):
    """A transport without deadlines of its own: the caller's cancellation ends a request.

    No request is ever sent twice, as some browsers do on a connection that was just closed.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        server_name: str | None = None,
        from_address: str | None = None,
    ) -> None:
        """Start without connections.

        `tls` says for each new connection whom to trust, by default the machine's authorities;
        `server_name` is the host to ask for where it is not the one that is connected to.
        `from_address` is the own address to connect from, where that matters.
        """
        self._clock = clock or SystemClock()
        self._tls = tls
        self._server_name = server_name
        self._from = None if from_address is None else (from_address, 0)
        self._idle: dict[_Origin, list[tuple[float, _Connection]]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the whole response; raises `httpx.TransportError`."""
        origin = _origin_of(request.url)
        connection = self._take(origin) or await self._open(origin)
        try:
            response = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._idle.setdefault(origin, []).append((self._clock.monotonic(), connection))
        else:
            connection.close()
        return response

    async def aclose(self) -> None:
        """Close all connections that are not in use."""
        for kept in self._idle.values():
            for _, connection in kept:
                await connection.close_and_wait()
        self._idle.clear()

    async def _open(self, origin: _Origin) -> "_Connection":
        scheme, host, port = origin
        tls = self._tls() if scheme == "https" else None
        name = self._server_name or host if tls else None
        try:
            reader, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=name, local_addr=self._from
            )
        except OSError as error:
            raise httpx.ConnectError(error.strerror or str(error)) from error
        return _Connection(reader, writer, h11.Connection(h11.CLIENT))

    def _take(self, origin: _Origin) -> "_Connection | None":
        """Return the connection that was used last; close those that were idle for too long."""
        kept = self._idle.get(origin, [])
        oldest = self._clock.monotonic() - _IDLE_SECONDS_MAX
        while kept:
            since, connection = kept.pop()
            if since < oldest:
                # Those below it have been idle for longer.
                kept.append((since, connection))
                break
            if connection.alive:
                return connection
            connection.close()
        for _, connection in kept:
            connection.close()
        kept.clear()
        return None


@dataclass(slots=True)
class _Connection:
    """One connection. `reusable` after an exchange says whether it may have another."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection
    reusable: bool = False

    @property
    def alive(self) -> bool:
        return not self.reader.at_eof() and not self.writer.is_closing()

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        self.reusable = False
        try:
            self.writer.write(self._encode(request))
            await self.writer.drain()
            response = await self._receive()
        except (h11.ProtocolError, OSError) as error:
            raise httpx.RemoteProtocolError(str(error) or type(error).__name__) from error
        done = self.protocol.our_state is h11.DONE and self.protocol.their_state is h11.DONE
        if done:
            self.protocol.start_next_cycle()
        self.reusable = done
        return response

    def close(self) -> None:
        self.writer.close()

    async def close_and_wait(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    def _encode(self, request: httpx.Request) -> bytes:
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        parts = [self.protocol.send(head)]
        if request.content:
            parts.append(self.protocol.send(h11.Data(data=request.content)))
        parts.append(self.protocol.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)

    async def _receive(self) -> httpx.Response:
        head: h11.Response | None = None
        body = bytearray()
        while True:
            event = self.protocol.next_event()
            if event is h11.NEED_DATA:
                self.protocol.receive_data(await self.reader.read(_READ_BYTES))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _BODY_BYTES_MAX:
                    raise httpx.RemoteProtocolError("the body is too long")
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError("the connection was closed without an answer")
        if head is None:
            raise httpx.RemoteProtocolError("the answer has no beginning")
        return httpx.Response(
            head.status_code, headers=head.headers.raw_items(), content=bytes(body)
        )


def _origin_of(url: httpx.URL) -> _Origin:
    default = 443 if url.scheme == "https" else 80
    return url.scheme, url.host, url.port or default
