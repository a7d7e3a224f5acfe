"""Kept connections over a Unix socket: kept while they are good, never trusted longer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from ostiary.edge.admin import AdminClient, EnvoySilentError
from ostiary.edge.unix_http import UnixConnections

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GOOD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


class Served:
    """A server whose replies a test writes byte by byte; it counts connections."""

    def __init__(self, path: Path, reply: bytes, *, closes: bool = False) -> None:
        self.path, self.reply, self.closes = path, reply, closes
        self.connections = 0
        self.asked: list[bytes] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._tasks.append(asyncio.ensure_future(self._answer(reader, writer)))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head.split(b"\r\n")[0])
                writer.write(self.reply)
                if self.closes:
                    break
        writer.close()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "admin.sock"


def test_one_connection_serves_many_questions_and_chunks_are_joined(socket):
    async def scenario() -> None:
        async with Served(socket, GOOD) as served:
            connections = UnixConnections(lambda: str(socket))
            for _ in range(3):
                assert await connections.exchange("GET", "/stats?filter=a") == (200, b"onetwo")
            connections.close()
            assert served.connections == 1
            assert served.asked == [b"GET /stats?filter=a HTTP/1.1"] * 3

    asyncio.run(scenario())


def test_questions_at_once_have_connections_of_their_own(socket):
    async def scenario() -> None:
        async with Served(socket, GOOD) as served:
            connections = UnixConnections(lambda: str(socket))
            asked = [connections.exchange("GET", "/ready") for _ in range(3)]
            assert await asyncio.gather(*asked) == [(200, b"onetwo")] * 3
            assert served.connections == 3
            connections.close()

    asyncio.run(scenario())


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(socket):
    async def scenario() -> None:
        async with Served(socket, GOOD, closes=True) as served:
            connections = UnixConnections(lambda: str(socket))
            for number in range(1, 3):
                assert (await connections.exchange("GET", "/ready"))[0] == 200
                # The end of the connection arrives as an event of its own.
                await asyncio.sleep(0.05)
                assert served.connections == number
            connections.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"no HTTP at all\r\n\r\n"],
    ids=["nothing", "half of it", "something else"],
)
def test_what_is_no_answer_is_silence(socket, reply):
    async def scenario() -> None:
        async with Served(socket, reply, closes=True):
            admin = AdminClient(socket.parent, socket.name)
            assert not await admin.ready()
            with pytest.raises(EnvoySilentError):
                await admin.stats("^a$")
            await admin.close()

    asyncio.run(scenario())


def test_where_nobody_listens_is_silence(tmp_path):
    async def scenario() -> None:
        admin = AdminClient(tmp_path, "nobody.sock")
        assert not await admin.ready()
        with pytest.raises(EnvoySilentError):
            await admin.close_listeners()
        await admin.close()

    asyncio.run(scenario())


def test_a_path_too_long_for_a_socket_is_reached_by_its_directory(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()

    async def scenario() -> None:
        # The server binds by a name that is short enough, in the same directory.
        here = tmp_path / "s"
        async with Served(here, GOOD) as served:
            here.rename(deep / "admin.sock")
            admin = AdminClient(deep, "admin.sock")
            assert await admin.ready()
            assert await admin.ready()
            assert served.connections == 1
            await admin.close()

    asyncio.run(scenario())
