import socket
import uuid

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgePlace
from ostiary.identity.http.context import read_received
from ostiary.kernel.clock import SystemClock, to_unix_ms
from ostiary.kernel.outcomes import (
    EDGE_HEADER,
    OUTCOME_HEADER,
    RECEIVED_HEADER,
    REQUEST_ID_HEADER,
)
from tests.edge.conftest import CANARY, LAST_GOOD, TOKEN, Servers
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

ROUNDING_MS = 2
"""Envoy rounds down the beginning of a request, and the time that it takes to arrive."""


def now_ms() -> int:
    return to_unix_ms(SystemClock().now())


def received_ms(headers: dict[str, str]) -> int:
    found = read_received(headers[RECEIVED_HEADER])
    assert found is not None, headers
    return found


async def test_what_only_the_edge_may_say_is_replaced(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    asked_ms = now_ms()
    await client.get(
        "/demo",
        headers={
            REQUEST_ID_HEADER: "forged",
            RECEIVED_HEADER: "1000000000.000+0",
            "x-envoy-attempt-count": "2",
            EDGE_HEADER: "forged",
            OUTCOME_HEADER: f"{LAST_GOOD}/ok",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-proto": "https",
            "x-forwarded-host": "evil.example",
            "forwarded": "for=203.0.113.9",
            "x-envoy-retry-on": "5xx",
            "x-envoy-upstream-rq-timeout-ms": "1",
            "x-envoy-expected-rq-timeout-ms": "1",
        },
    )

    (request,) = servers.last_good.seen
    assert str(uuid.UUID(request.request_id)) == request.request_id
    assert request.attempt == 1
    assert request.headers[EDGE_HEADER] == TOKEN
    assert asked_ms - ROUNDING_MS <= received_ms(request.headers) <= now_ms()
    assert "203.0.113.9" not in request.headers["x-forwarded-for"]
    assert request.headers["x-forwarded-proto"] == "http"
    assert "forged" not in " ".join(request.headers.values())
    dropped = {OUTCOME_HEADER, "x-forwarded-host", "forwarded", "x-envoy-retry-on"}
    assert dropped.isdisjoint(request.headers)


async def test_a_request_counts_as_received_when_its_last_byte_has_come(
    servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    """Otherwise a thief could open a request in advance, and fill a token in later."""
    await edge.start(servers.model())

    async with await anyio.connect_tcp(place.listen_host, place.listen_port) as connection:
        head = b"POST /oauth2/token HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n"
        await connection.send(head + b"a")
        await anyio.sleep(0.2)
        asked_ms = now_ms()
        await connection.send(b"b")
        assert b"200 OK" in await connection.receive()

    (request,) = servers.last_good.seen
    assert asked_ms - ROUNDING_MS <= received_ms(request.headers) <= now_ms()


async def test_both_attempts_of_a_request_were_received_at_the_same_moment(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(500))
    await edge.start(servers.model(1.0))

    await client.post("/oauth2/token", content=b"a=b")

    (unseen,), (seen,) = servers.canary.seen, servers.last_good.seen
    assert (unseen.attempt, seen.attempt) == (1, 2)
    assert unseen.headers[RECEIVED_HEADER] == seen.headers[RECEIVED_HEADER]
    assert received_ms(seen.headers) <= now_ms()


async def test_names_with_underscores_do_not_pass_for_names_with_dashes(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    await client.get("/demo", headers={"x_request_id": "forged", "X_Ostiary_Edge": "forged"})

    assert "forged" not in servers.last_good.seen[0].headers.values()


async def test_each_request_has_a_request_id_of_its_own(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    for _ in range(3):
        await client.get("/demo", headers={REQUEST_ID_HEADER: "same"})

    assert len({request.request_id for request in servers.last_good.seen}) == 3


async def test_users_do_not_see_the_outcome_or_the_edge_token(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(Reply(200, b"", f"{CANARY}/unknown_user"))
    servers.last_good.answer = always(Reply(200, b"", f"{LAST_GOOD}/bad_credentials"))
    await edge.start(servers.model(1.0))

    answer = await client.post("/sign-in")

    assert OUTCOME_HEADER not in answer.headers
    assert not [name for name in answer.headers if name.startswith("x-envoy")]
    assert TOKEN not in str(answer.headers)
    assert answer.headers["server"] == "ostiary"


@pytest.mark.parametrize(
    "path",
    [
        "/admin",
        "/admin/users",
        "/metrics",
        "/live",
        "/ready",
        "//admin",
        "/x/../admin/users",
        "/%61dmin/users",
        "/%2e/admin",
        "/%2Fadmin",
        "/x%5c..%5cadmin",
    ],
)
async def test_what_is_not_for_users_is_not_found(
    path: str, servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model(0.5))

    # By hand, because clients tidy such paths up.
    with socket.create_connection((place.listen_host, place.listen_port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        status = connection.makefile("rb").readline().split()[1]

    assert status in {b"404", b"400"}
    assert servers.last_good.seen == servers.canary.seen == []


async def test_names_that_only_begin_like_hidden_ones_are_served(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())

    assert (await client.get("/administrator")).text == "last good"
    assert (await client.get("/demo?next=%2Fadmin")).text == "last good"
