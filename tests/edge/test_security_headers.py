"""What every answer tells browsers, and that nothing inside passes the edge in either direction."""

import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.entrance import Entrance
from ostiary.edge.model import EdgePlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.outcomes import PIN_HEADER
from tests.certificates import read_answer
from tests.edge.conftest import LAST_GOOD, TOKEN, Servers
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "server": "ostiary",
}


@pytest.fixture
async def with_entrance(place: EdgePlace) -> AsyncIterator[Callable[..., Edge]]:
    edges: list[Edge] = []

    def make(**entrance: object) -> Edge:
        changed = replace(place, entrance=Entrance(**entrance))
        edges.append(Edge(changed, count=1, clock=SystemClock(), check=lambda _: None))
        return edges[-1]

    yield make
    for edge in edges:
        await edge.stop()


def raw(place: EdgePlace, request: bytes) -> httpx.Headers:
    with socket.create_connection((place.listen_host, place.listen_port), timeout=60) as connection:
        connection.sendall(request)
        head = read_answer(connection).partition(b"\r\n\r\n")[0].split(b"\r\n")
    fields = [line.partition(b": ") for line in head[1:]]
    return httpx.Headers([(name, value) for name, _, value in fields])


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /demo HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /demo HTTP/1.1\r\nhost: a,b\r\n\r\n",
        b"GET /%2e/ HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /demo HTTP/1.1\r\nhost : a\r\n\r\n",
        b"GET /demo HTTP/1.1\r\nhost: a\r\nx: %b\r\n\r\n" % (b"a" * 40_000),
        b"POST /sign-in HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\n\r\n" + b"a" * 99_999,
        b"POST /sign-in HTTP/1.1\r\nhost: a\r\ntransfer-encoding: x\r\n\r\n",
        b"GET /gone HTTP/1.1\r\nhost: a\r\n\r\n",
    ],
    ids=["answer", "hidden", "host", "escape", "head", "long head", "body", "coding", "nobody"],
)
async def test_every_answer_has_each_header_once(
    request_text: bytes, servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model())
    if b"/gone" in request_text:
        servers.last_good.close()

    headers = raw(place, request_text)

    for name, value in ALWAYS.items():
        assert headers.get_list(name) == [value], name
    (policy,) = headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


async def test_what_a_page_says_of_itself_stands(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    own = {
        "content-security-policy": "default-src 'self'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    servers.last_good.answer = always(Reply(200, b"", f"{LAST_GOOD}/ok", headers=own))
    await edge.start(servers.model())

    headers = (await client.get("/demo")).headers

    assert {name: headers.get_list(name) for name in own} == {
        name: [value] for name, value in own.items()
    }


async def test_inside_headers_do_not_get_out(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    inside = {
        "server": "granian",
        "x-envoy-upstream-service-time": "7",
        "x-envoy-anything": "a",
        "x-ostiary-edge": "a",
        "x-auth-anything": "a",
    }
    servers.last_good.answer = always(Reply(200, b"", f"{LAST_GOOD}/ok", headers=inside))
    await edge.start(servers.model())

    headers = (await client.get("/demo")).headers

    assert not [name for name in headers if name.startswith(("x-envoy", "x-ostiary", "x-auth"))]
    assert headers["server"] == "ostiary"


async def test_inside_headers_do_not_get_in(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    names = [
        "x-envoy-max-retries",
        "x-envoy-retry-grpc-on",
        "x-envoy-retriable-status-codes",
        "x-envoy-upstream-rq-per-try-timeout-ms",
        "x-envoy-upstream-alt-stat-name",
        "x-envoy-decorator-operation",
        "x-envoy-original-path",
        "x-envoy-original-host",
        "x-envoy-external-address",
        "x-envoy-internal",
        "x-envoy-force-trace",
        "x-envoy-ip-tags",
        "x-ostiary-anything",
        "x-ostiary-p",
        "x-ostiary-pinned",
        "x-ostiary-",
        "x-auth-anything",
        "x-client-trace-id",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-scheme",
        "x-forwarded-client-cert",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x_forwarded_for",
        PIN_HEADER,
    ]
    await edge.start(servers.model(0.5))

    for _ in range(3):
        await client.get("/demo", headers=dict.fromkeys(names, "forged"))

    seen = servers.last_good.seen + servers.canary.seen
    assert len(seen) == 3
    for request in seen:
        assert "forged" not in request.headers.values(), request.headers


async def test_the_pin_is_obeyed_only_with_the_token_and_never_passed_on(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(0.0))

    for pin in ("forged", f"{TOKEN}x", TOKEN.upper(), ""):
        assert (await client.get("/demo", headers={PIN_HEADER: pin})).text == "last good"
    assert (await client.get("/demo", headers={PIN_HEADER: TOKEN})).text == "canary"

    assert not [each for each in servers.canary.seen if PIN_HEADER in each.headers]


async def test_https_is_to_be_remembered_only_where_users_come_by_it(
    servers: Servers, with_entrance: Callable[..., Edge], client: httpx.AsyncClient
) -> None:
    edge = with_entrance(https=True)
    await edge.start(servers.model())
    # A running edge takes it up.
    await edge.apply(replace(servers.model(), popups=True, hsts_s=600))

    headers = (await client.get("/demo", headers={"x-forwarded-for": "203.0.113.9"})).headers

    assert headers["strict-transport-security"] == "max-age=600"
    assert headers["cross-origin-opener-policy"] == "unsafe-none"
    # A proxy ends TLS in front: cookies have to be secure, and its word on addresses is not asked.
    (request,) = servers.last_good.seen
    assert request.headers["x-forwarded-proto"] == "https"
    assert "203.0.113.9" not in request.headers["x-forwarded-for"]


async def test_a_trusted_proxy_names_the_client_last(
    servers: Servers, with_entrance: Callable[..., Edge], client: httpx.AsyncClient
) -> None:
    edge = with_entrance(https=True, trusts_proxy=True)
    await edge.start(replace(servers.model(), hsts_s=0))

    forwarded = {"x-forwarded-for": "198.51.100.1, 203.0.113.9", "x-forwarded-proto": "http"}
    answer = await client.get("/demo", headers=forwarded)

    assert "strict-transport-security" not in answer.headers
    (request,) = servers.last_good.seen
    assert request.headers["x-forwarded-for"].rpartition(",")[2].strip() == "203.0.113.9"
    assert request.headers["x-forwarded-proto"] == "https"
    assert request.attempt == 1
