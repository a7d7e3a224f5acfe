"""Kept HTTP/1.1 connections over a Unix socket, for questions that are asked many times a second.

A guard that does nothing else asks its Envoys several times a second for as long as it lives, and
a general client costs more for each question than Envoy and the kernel together.
"""

import asyncio
from collections.abc import Callable

import h11

_READ_BYTES = 262_144
_HOST = [("host", "envoy")]


class UnixConnections:
    """Connections to one socket: the one that was used last serves again, if it is still there."""

    def __init__(self, path: Callable[[], str]) -> None:
        """`path` is asked for the socket's address at each new connection."""
        self._path = path
        self._idle: list[_Connection] = []

    async def exchange(self, method: str, target: str) -> tuple[int, bytes]:
        """Return status and body of the answer to a request without a body.

        Raises `OSError` where there is no connection or it breaks off, `ValueError` where what
        comes is no HTTP. The caller limits the time.
        """
        connection = self._take() or await self._open()
        try:
            answer = await connection.exchange(method, target)
        except h11.ProtocolError as error:
            connection.close()
            raise ValueError(str(error)) from error
        except BaseException:
            connection.close()
            raise
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_alive:
                return connection
            connection.close()
        return None

    async def _open(self) -> "_Connection":
        return _Connection(*await asyncio.open_unix_connection(self._path()))


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.CLIENT)

    @property
    def is_alive(self) -> bool:
        return not self._reader.at_eof() and not self._writer.is_closing()

    @property
    def is_reusable(self) -> bool:
        return self._protocol.our_state is h11.IDLE

    async def exchange(self, method: str, target: str) -> tuple[int, bytes]:
        request = h11.Request(method=method, target=target, headers=_HOST)
        begin = self._protocol.send(request) or b""
        self._writer.write(begin + (self._protocol.send(h11.EndOfMessage()) or b""))
        answer = await self._answer()
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        return answer

    def close(self) -> None:
        self._writer.close()

    async def _answer(self) -> tuple[int, bytes]:
        status, body = 0, bytearray()
        while True:
            event = self._protocol.next_event()
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await self._reader.read(_READ_BYTES))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("The connection was closed without an answer.")
