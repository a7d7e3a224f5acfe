import asyncio

import httpx
import pytest

from ostiary.watch.relying_party.connections import KeptConnections
from tests.fakes.clock import FakeClock


class RawServer:
    """Answers every request on a connection with the next of some bytes, then closes."""

    def __init__(self, *answers):
        self.answers = answers
        self.connections = 0
        self.requests = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/x"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self.connections += 1
        for answer in self.answers:
            try:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: 1\r\nx-a: 2\r\n\r\nhi"


def get(url, **headers):
    return httpx.Request("GET", url, headers=headers)


def test_a_connection_is_used_again():
    async def run():
        async with RawServer(OK, OK, OK) as server, KeptConnections() as transport:
            for _ in range(3):
                response = await transport.handle_async_request(get(server.url))
                assert response.content == b"hi"
                assert response.headers.get_list("x-a") == ["1", "2"]
            return server.connections

    assert asyncio.run(run()) == 1


def test_requests_at_the_same_time_have_connections_of_their_own():
    async def run():
        async with RawServer(OK) as server, KeptConnections() as transport:
            requests = [transport.handle_async_request(get(server.url)) for _ in range(50)]
            responses = await asyncio.gather(*requests)
            assert {response.status_code for response in responses} == {200}
            return server.connections

    assert asyncio.run(run()) == 50


def test_a_connection_that_was_idle_for_long_is_not_used_again():
    clock = FakeClock()

    async def run():
        async with RawServer(OK, OK) as server, KeptConnections(clock=clock) as transport:
            await transport.handle_async_request(get(server.url))
            clock.advance(3)
            await transport.handle_async_request(get(server.url))
            return server.connections

    assert asyncio.run(run()) == 2


def test_a_connection_that_the_server_closed_is_not_used_again():
    async def run():
        async with RawServer(OK) as server, KeptConnections() as transport:
            await transport.handle_async_request(get(server.url))
            await asyncio.sleep(0.05)
            await transport.handle_async_request(get(server.url))
            return server.connections

    assert asyncio.run(run()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhi",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
    ],
)
def test_every_way_to_end_a_body_is_understood(answer):
    async def run():
        async with RawServer(answer) as server, KeptConnections() as transport:
            return (await transport.handle_async_request(get(server.url))).content

    assert asyncio.run(run()) == b"hi"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhi",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 9_000_000,
    ],
)
def test_a_broken_answer_is_an_error_of_the_transport(answer):
    async def run():
        async with RawServer(answer) as server, KeptConnections() as transport:
            await transport.handle_async_request(get(server.url))

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(run())


def test_nobody_listening_is_an_error_of_the_transport():
    async def run():
        async with KeptConnections() as transport:
            await transport.handle_async_request(get("http://127.0.0.1:1/"))

    with pytest.raises(httpx.ConnectError):
        asyncio.run(run())


def test_a_request_that_was_given_up_leaves_no_connection_to_the_next_one():
    async def run():
        given_up = asyncio.Event()

        async def hang(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            await given_up.wait()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, KeptConnections() as transport:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await transport.handle_async_request(get(f"http://127.0.0.1:{port}/"))
            given_up.set()
            return transport._idle

    assert asyncio.run(run()) == {}


def test_a_form_is_sent_with_its_length():
    async def run():
        async with RawServer(OK) as server, KeptConnections() as transport:
            request = httpx.Request("POST", server.url, content=b"a=b")
            await transport.handle_async_request(request)
            return server.requests[0]

    sent = asyncio.run(run())
    assert sent.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"content-length: 3" in sent.lower()


def test_a_connection_comes_from_the_address_that_is_asked_for():
    seen = []

    async def run():
        async def serve(reader, writer):
            seen.append(writer.get_extra_info("peername")[0])
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        async with server, KeptConnections(from_address="127.64.1.1") as transport:
            await transport.handle_async_request(get(url))

    asyncio.run(run())
    assert seen == ["127.64.1.1"]
