"""What clients may take of an Envoy: size, time, connections. Limits are short here, not other."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio.to_thread
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.entrance import ClientLimits, Entrance
from ostiary.edge.model import EdgePlace
from ostiary.kernel.clock import SystemClock
from tests.certificates import ask, read_answer
from tests.edge.conftest import LAST_GOOD, Servers, until
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

SHORT = ClientLimits(
    connections=12,
    headers_s=0.3,
    request_s=0.6,
    idle_stream_s=0.3,
    stream_s=0.3,
    idle_connection_s=0.5,
)
POST = b"POST /sign-in HTTP/1.1\r\nhost: a\r\n"


@pytest.fixture
def short_place(place: EdgePlace) -> EdgePlace:
    return replace(place, entrance=Entrance(limits=SHORT))


@pytest.fixture
async def short(short_place: EdgePlace) -> AsyncIterator[Edge]:
    edge = Edge(short_place, count=1, clock=SystemClock(), check=lambda _: None)
    try:
        yield edge
    finally:
        await edge.stop()


def connect(place: EdgePlace) -> socket.socket:
    return socket.create_connection((place.listen_host, place.listen_port), timeout=60)


async def answer_to(place: EdgePlace, request: bytes, *, trickle: bytes = b"") -> bytes:
    """Return what comes before the connection ends; `trickle` is sent again and again."""

    def talk() -> bytes:
        with connect(place) as connection:
            connection.sendall(request)
            done = threading.Event()
            sender = threading.Thread(target=_trickle, args=(connection, trickle, done))
            sender.start()
            try:
                return read_answer(connection)
            except ConnectionError:
                return b""
            finally:
                done.set()
                sender.join()

    return await anyio.to_thread.run_sync(talk)


def _trickle(connection: socket.socket, part: bytes, done: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while part and not done.wait(0.05):
            connection.sendall(part)


@pytest.mark.parametrize(
    ("request_text", "trickle"),
    [
        (b"GET /demo HTTP/1.1\r\n", b""),
        (b"GET /demo HTTP/1.1\r\nx: ", b"a"),
        (POST + b"content-length: 1000\r\n\r\n", b"a"),
        (POST + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["stopped head", "slow head", "slow body", "slow chunks"],
)
async def test_a_client_that_sends_too_slowly_is_sent_away(
    request_text: bytes, trickle: bytes, servers: Servers, short: Edge, short_place: EdgePlace
) -> None:
    await short.start(servers.model(per_try_timeout_s=2))

    answer = await answer_to(short_place, request_text, trickle=trickle)

    assert not answer or answer.split()[1] == b"408"
    assert servers.last_good.seen == []


async def test_a_connection_without_a_request_is_closed(
    servers: Servers, short: Edge, short_place: EdgePlace
) -> None:
    await short.start(servers.model(per_try_timeout_s=2))

    def use() -> tuple[bytes, bytes]:
        with connect(short_place) as connection:
            return ask(connection), connection.recv(1)

    answer, rest = await anyio.to_thread.run_sync(use)
    assert b"last good" in answer
    assert rest == b""


async def test_a_client_that_does_not_read_its_answer_is_let_go(
    servers: Servers, short: Edge, short_place: EdgePlace
) -> None:
    servers.last_good.answer = always(Reply(200, b"a" * 16_000_000, f"{LAST_GOOD}/ok"))
    await short.start(servers.model(per_try_timeout_s=0.5))
    with connect(short_place) as connection:
        connection.sendall(b"GET /demo HTTP/1.1\r\nhost: a\r\n\r\n")

        await until(lambda: _counts(short, "downstream_rq_total", 1))
        await until(lambda: _counts(short, "downstream_rq_active", 0))
        await until(lambda: _counts(short, "downstream_cx_active", 0))


async def test_connections_beyond_the_limit_are_refused_and_others_go_on(
    servers: Servers, place: EdgePlace, short_place: EdgePlace
) -> None:
    entrance = Entrance(limits=replace(SHORT, idle_connection_s=60))
    edge = Edge(
        replace(short_place, entrance=entrance), count=1, clock=SystemClock(), check=lambda _: None
    )
    try:
        await edge.start(servers.model())
        with contextlib.ExitStack() as stack:
            kept = [stack.enter_context(connect(place)) for _ in range(SHORT.connections)]
            assert all([await _served(connection) for connection in kept])
            refused = stack.enter_context(connect(place))
            assert not await _served(refused)
            assert await _served(kept[0])
            kept[1].close()
            await until(lambda: _new_is_served(place))
    finally:
        await edge.stop()


async def _new_is_served(place: EdgePlace) -> bool:
    with connect(place) as connection:
        return await _served(connection)


async def _served(connection: socket.socket) -> bool:
    def talk() -> bool:
        try:
            return b"last good" in ask(connection)
        except ConnectionError:
            return False

    return await anyio.to_thread.run_sync(talk)


async def _counts(edge: Edge, name: str, count: int) -> bool:
    (envoy,) = edge._fleet.live()
    text = await envoy.admin.stats(f"^http\\.edge\\.{name}$")
    return text.strip().endswith(f": {count}")


def _chunked(size: int) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"a" * size)


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"content-length: 65536\r\n", b"a" * 65_536, b"200"),
        (b"content-length: 65537\r\n", b"a" * 65_537, b"413"),
        (b"transfer-encoding: chunked\r\n", _chunked(65_536), b"200"),
        (b"transfer-encoding: chunked\r\n", _chunked(65_537), b"413"),
        (b"x: %b\r\n" % (b"a" * 30_000), b"", b"200"),
        (b"x: %b\r\n" % (b"a" * 40_000), b"", b"431"),
        (b"x: a\r\n" * 60, b"", b"200"),
        (b"x: a\r\n" * 120, b"", b"431"),
    ],
)
async def test_size_is_limited(
    head: bytes, body: bytes, status: bytes, servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model())

    assert (await answer_to(place, POST + head + b"\r\n" + body)).split()[1] == status

    assert len(servers.last_good.seen) == (status == b"200")


@pytest.mark.parametrize(
    "request_text",
    [
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
        POST + b"content-length: +1\r\n\r\na",
        POST + b"content-length : 1\r\n\r\na",
        b"GET /demo HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /demo HTTP/1.1\r\n\r\n",
        b"GET /demo HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
        b"GET /demo#x HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET demo HTTP/1.1\r\nhost: a\r\n\r\n",
        b"CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
        b"GET /demo\r\n\r\n",
    ],
)
async def test_what_two_parsers_could_read_differently_is_refused(
    request_text: bytes, servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model())

    answer = await answer_to(place, request_text)

    assert not answer or answer.split()[1] in {b"400", b"403", b"426", b"501"}
    assert servers.last_good.seen == []
