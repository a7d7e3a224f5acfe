"""TLS at the edge: real Envoys, real TLS clients, certificates of the tests' own authority."""

import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ostiary.edge.certificate_pin import pinned_context
from ostiary.edge.certificate_reading import PairNames, read_pair
from ostiary.edge.certificates import Certificate
from ostiary.edge.edge import Edge
from ostiary.edge.entrance import Entrance
from ostiary.edge.model import EdgePlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import RefusedError
from ostiary.watch.relying_party.connections import KeptConnections
from tests.certificates import HOST, Authority, Pair, ask, connect, served_serial
from tests.edge.conftest import Servers
from tests.edge.http2 import Http2

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

NAMES = PairNames("cert.pem", "key.pem")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def tls_place(place: EdgePlace) -> EdgePlace:
    return replace(place, entrance=Entrance(tls=True, https=True))


def certificate(pair: Pair) -> Certificate:
    return read_pair(pair.chain, pair.key, NAMES)


@pytest.fixture
def first(authority: Authority) -> Pair:
    return authority.issue()


@pytest.fixture
async def tls_pair(tls_place: EdgePlace, first: Pair) -> AsyncIterator[Edge]:
    """Two Envoys with TLS, validated as in production."""
    edge = Edge(tls_place, count=2, clock=SystemClock(), certificate=certificate(first))
    try:
        yield edge
    finally:
        await edge.stop()


async def serials(place: EdgePlace, authority: Authority, connections: int = 24) -> set[int]:
    """Return what new connections are shown; that many reach both Envoys, but for one in 2^23."""

    def look() -> set[int]:
        context = authority.client()
        return {served_serial(place.listen_port, context) for _ in range(connections)}

    return await anyio.to_thread.run_sync(look)


async def test_another_certificate_is_served_by_both_envoys_and_connections_survive(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority, first: Pair
) -> None:
    await tls_pair.start(servers.model())
    kept = [connect(tls_place.listen_port, authority.client()) for _ in range(12)]
    pids = tls_pair.pids
    assert all(b"last good" in ask(connection) for connection in kept)
    assert await serials(tls_place, authority) == {first.serial}

    second = authority.issue()
    await tls_pair.replace_certificate(certificate(second))

    assert await serials(tls_place, authority) == {second.serial}
    assert all(b"last good" in ask(connection) for connection in kept)
    assert tls_pair.pids == pids
    for connection in kept:
        connection.close()


async def test_a_certificate_that_envoy_does_not_take_leaves_the_former_one(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority, first: Pair
) -> None:
    await tls_pair.start(servers.model())
    weak = authority.issue(key=rsa.generate_private_key(public_exponent=65_537, key_size=1024))

    with pytest.raises(RefusedError, match="2048-bit") as caught:
        await tls_pair.replace_certificate(certificate(weak))

    assert caught.value.code == "certificate_refused"
    assert "PRIVATE" not in str(caught.value)
    assert await serials(tls_place, authority, 2) == {first.serial}


async def test_a_certificate_that_only_running_envoys_refuse_is_taken_back(
    servers: Servers,
    tls_pair: Edge,
    tls_place: EdgePlace,
    authority: Authority,
    first: Pair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await tls_pair.start(servers.model())
    file = tls_place.directory / "xds" / "sds" / "sds.json"
    before = file.read_bytes()
    monkeypatch.setattr(tls_pair._validator, "check_certificate", lambda _: None)
    other = replace(certificate(first), key=authority.issue().key.decode())

    with pytest.raises(RefusedError) as caught:
        await tls_pair.replace_certificate(other)

    assert "PRIVATE" not in str(caught.value)
    assert file.read_bytes() == before
    assert await serials(tls_place, authority, 2) == {first.serial}


async def test_a_successor_takes_the_envoys_over_with_a_certificate_that_is_new_to_them(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())
    pids = tls_pair.pids
    await tls_pair.detach()
    second = authority.issue()

    successor = Edge(tls_place, count=2, clock=SystemClock(), certificate=certificate(second))
    await successor.start(servers.model())

    assert successor.pids == pids
    assert await serials(tls_place, authority) == {second.serial}
    await successor.detach()


async def test_only_modern_tls_is_spoken_and_http_2_is_preferred(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())
    port = tls_place.listen_port

    with connect(port, authority.client("h2", "http/1.1")) as newest:
        assert (newest.version(), newest.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    older = authority.client("http/1.1", newest=ssl.TLSVersion.TLSv1_2)
    with connect(port, older) as connection:
        assert connection.version() == "TLSv1.2"
        assert connection.selected_alpn_protocol() == "http/1.1"
        name, _, bits = connection.cipher() or ("", "", 0)
        assert name.startswith("ECDHE-")
        assert "GCM" in name or "CHACHA" in name
        assert bits >= 128
    weak = authority.client(newest=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-SHA:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        connect(port, weak)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        assert b"last good" not in ask(plain)


async def test_replicas_learn_that_the_connection_is_secure_whatever_the_target_says(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())

    with connect(tls_place.listen_port, authority.client()) as connection:
        connection.sendall(
            b"GET http://evil.example/demo HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: http\r\n\r\n"
        )
        assert b"last good" in connection.recv(65_536)

    (request,) = servers.last_good.seen
    assert request.path == "/demo"
    assert request.headers["x-forwarded-proto"] == "https"


async def test_http_2_has_limits_and_a_flood_of_resets_is_cut_off(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())
    context = authority.client("h2")

    def use() -> dict[int, int]:
        with Http2(connect(tls_place.listen_port, context)) as good:
            assert good.get("/demo") == b"last good"
            return good.settings

    settings = await anyio.to_thread.run_sync(use)
    assert settings[Http2.MAX_CONCURRENT_STREAMS] == 100
    assert settings[Http2.INITIAL_WINDOW_SIZE] == 64 * 1024

    def flood(frames: bytes) -> bool:
        with Http2(connect(tls_place.listen_port, context)) as bad:
            return bad.is_closed_by(frames)

    assert await anyio.to_thread.run_sync(flood, Http2.resets(2_000))
    assert await anyio.to_thread.run_sync(flood, Http2.pings(20_000))
    assert await anyio.to_thread.run_sync(use) == settings


@pytest.mark.parametrize("method", ["ZZFOO", "get", "TRACE", "M" * 100])
async def test_a_method_that_is_none_of_ours_reaches_no_replica(
    method: str, servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())

    def ask() -> bytes:
        with Http2(connect(tls_place.listen_port, authority.client("h2"))) as client:
            return client.ask(method, "/demo")

    assert b"last good" not in await anyio.to_thread.run_sync(ask)
    assert servers.last_good.seen == []


async def test_the_guard_knows_the_edge_by_its_certificate_even_after_its_end(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())
    ended = certificate(authority.issue(start=timedelta(days=-2), end=timedelta(days=-1)))
    await tls_pair.replace_certificate(ended)
    request = httpx.Request("GET", f"https://127.0.0.1:{tls_place.listen_port}/demo")

    async def ask_trusting(trusted: Certificate) -> int:
        transport = KeptConnections(tls=lambda: pinned_context([trusted]), server_name=HOST)
        async with transport:
            return (await transport.handle_async_request(request)).status_code

    assert await ask_trusting(ended) == 200
    with pytest.raises(httpx.ConnectError):
        await ask_trusting(certificate(authority.issue()))


async def test_the_key_is_in_one_file_that_only_its_owner_can_read(
    servers: Servers, tls_pair: Edge, tls_place: EdgePlace, first: Pair
) -> None:
    await tls_pair.start(servers.model())
    line = first.key.decode().splitlines()[1]

    holders = [
        path
        for path in tls_place.directory.rglob("*")
        if path.is_file() and line in path.read_text(errors="replace")
    ]

    assert [path.relative_to(tls_place.directory) for path in holders] == [Path("xds/sds/sds.json")]
    assert holders[0].stat().st_mode & 0o077 == 0
