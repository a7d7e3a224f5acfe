"""Spreading requests over replicas on real Envoy: shares as intended, and the second opinion."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from ostiary.edge.balancing import Balancer
from ostiary.edge.clusters import STABLE_CLUSTER
from ostiary.edge.edge import Edge
from ostiary.edge.entrance import Entrance
from ostiary.edge.model import EdgePlace, Endpoint
from ostiary.edge.route_classes import Served
from ostiary.kernel.clock import SystemClock
from tests.edge.conftest import LAST_GOOD, Servers, weighted
from tests.edge.replicas import Replica, Reply, always, free_port

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

OVERLOADED = Reply(503, b"busy", f"{LAST_GOOD}/overloaded", {"retry-after": "7"})
ALL = pytest.mark.parametrize("balancer", list(Balancer))


@pytest.fixture
async def proxied(place: EdgePlace) -> AsyncIterator[Edge]:
    """An edge behind a proxy that it believes."""
    behind = replace(place, entrance=Entrance(https=True, trusts_proxy=True))
    edge = Edge(behind, count=1, clock=SystemClock(), check=lambda _: None)
    yield edge
    await edge.stop()


async def test_weights_are_shares_and_every_seat_is_counted(
    three: list[Replica], servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(weighted(servers, Balancer.ROUND_ROBIN, 6, 3, 1))

    for _ in range(100):
        assert (await client.get("/")).status_code == 200

    asked = [len(one.seen) for one in three]
    assert asked == pytest.approx([60, 30, 10], abs=2)
    counters = await edge.counters()
    assert counters.first_attempts(STABLE_CLUSTER, Served.LAST_GOOD, 3) == tuple(asked)
    assert counters.attempts_named == counters.attempts_total == 100


@ALL
async def test_overload_of_the_heaviest_replica_is_asked_elsewhere_whatever_spreads(
    balancer: Balancer,
    three: list[Replica],
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    three[0].answer = always(OVERLOADED)
    weights = (1, 1, 1) if balancer is Balancer.RANDOM else (80, 10, 10)
    await edge.start(weighted(servers, balancer, *weights))

    answers = [await client.post("/sign-in", content=b"form") for _ in range(60)]

    assert {each.status_code for each in answers} == {200}
    asked_again = sum(each.attempt == 2 for one in three[1:] for each in one.seen)
    assert asked_again == len(three[0].seen)


@ALL
async def test_a_refusal_is_final_whatever_spreads(
    balancer: Balancer,
    three: list[Replica],
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    for one in three:
        one.answer = always(Reply(401, b"no", f"{LAST_GOOD}/bad_credentials"))
    await edge.start(weighted(servers, balancer, 1, 1, 1))

    assert {(await client.post("/sign-in")).status_code for _ in range(20)} == {401}
    assert [each.attempt for one in three for each in one.seen] == [1] * 20


@ALL
async def test_a_canary_that_is_half_down_keeps_first_attempts_whatever_spreads(
    balancer: Balancer, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.extra_canaries = (Endpoint("canary-2", "127.0.0.1", free_port(), free_port(), 3),)
    servers.lease.unhealthy_hosts = {"canary-2"}
    servers.last_good.answer = always(Reply(401, b"no", f"{LAST_GOOD}/bad_credentials"))
    yes = Reply(200, b"yes", "s-cccccccccccc/ok")
    no = Reply(200, b"", "s-cccccccccccc/bad_credentials")
    replies = itertools.cycle((yes, no))
    servers.canary.answer = lambda _: next(replies)
    model = servers.model(1.0)
    assert model.canary is not None
    await edge.start(replace(model, canary=replace(model.canary, balancer=balancer)))

    answers = [await client.post("/sign-in") for _ in range(20)]

    assert [request.attempt for request in servers.canary.seen] == [1] * 20
    assert {request.attempt for request in servers.last_good.seen} == {2}
    assert [answer.status_code for answer in answers] == [200, 401] * 10


@pytest.mark.parametrize("balancer", [Balancer.MAGLEV, Balancer.RING_HASH])
async def test_a_hash_keeps_a_client_at_one_replica_by_the_address_behind_the_proxy(
    balancer: Balancer,
    three: list[Replica],
    servers: Servers,
    proxied: Edge,
    client: httpx.AsyncClient,
) -> None:
    await proxied.start(weighted(servers, balancer, 1, 1, 1))

    for number in range(90):
        forwarded = {"x-forwarded-for": f"198.51.100.77, 203.0.113.{number % 30}"}
        await client.get("/", headers=forwarded)

    addresses = [Counter(each.headers["x-forwarded-for"] for each in one.seen) for one in three]
    assert all(set(counted.values()) == {3} for counted in addresses)
    assert sum(map(len, addresses)) == 30
    assert all(addresses), "everybody gets some"
