"""A change of the edge only: its arm spreads requests over the same replicas in another way."""

from dataclasses import replace

import httpx
import pytest

from ostiary.edge.balancing import Balancer
from ostiary.edge.clusters import CANARY_CLUSTER
from ostiary.edge.edge import Edge
from ostiary.edge.model import CanaryArm, EdgeModel, Lease
from ostiary.edge.route_classes import Served
from tests.edge.conftest import LAST_GOOD, Servers, until, weighted
from tests.edge.replicas import Replica, Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

OVERLOADED = Reply(503, b"busy", f"{LAST_GOOD}/overloaded", {"retry-after": "7"})
SAME = "s-dddddddddddd"
"""A snapshot that changes the edge only."""


def edge_change(servers: Servers, model: EdgeModel, share: float, *weights: int) -> EdgeModel:
    """Return the model with an arm that spreads requests over the same replicas by weights."""
    endpoints = tuple(
        replace(each, weight=weight) for each, weight in zip(model.stable, weights, strict=True)
    )
    lease = Lease("c-1", "e-1", "127.0.0.1", servers.lease.port)
    arm = CanaryArm(SAME, endpoints, share, lease, model.balancer, same_replicas=True)
    return replace(servers.model(), stable=model.stable, balancer=model.balancer, canary=arm)


async def in_the_arm(edge: Edge, client: httpx.AsyncClient, count: int) -> tuple[int, ...]:
    """Send requests until as many in a row met the arm; return how they were spread over its seats.

    A check of the lease that a busy machine answers too late sends some past the arm.
    """
    for _ in range(10):
        before = (await edge.counters()).first_attempts(CANARY_CLUSTER, Served.CANARY, 3)
        for _ in range(count):
            await client.get("/")
        after = (await edge.counters()).first_attempts(CANARY_CLUSTER, Served.CANARY, 3)
        spread = tuple(now - then for now, then in zip(after, before, strict=True))
        if sum(spread) == count:
            return spread
    pytest.fail(f"{spread} of {count} met the arm")


@pytest.mark.parametrize("balancer", list(Balancer))
async def test_a_change_of_the_edge_spreads_its_share_over_the_same_replicas(
    balancer: Balancer,
    three: list[Replica],
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    model = weighted(servers, balancer, 1, 1, 1)
    weights = (1, 1, 1) if balancer is Balancer.RANDOM else (8, 1, 1)
    await edge.start(edge_change(servers, model, 1.0, *weights))
    counted = await in_the_arm(edge, client, 30)
    if balancer is Balancer.ROUND_ROBIN:
        assert counted == pytest.approx((24, 3, 3), abs=1)

    three[0].answer = always(OVERLOADED)
    answers = [await client.post("/sign-in") for _ in range(30)]
    # There is nobody behind these replicas, and yet no failure is seen: another one is asked.
    assert {each.status_code for each in answers} == {200}


@pytest.mark.parametrize("balancer", [Balancer.ROUND_ROBIN, Balancer.MAGLEV])
async def test_a_change_of_the_edge_that_nobody_watches_spreads_as_before(
    balancer: Balancer,
    three: list[Replica],
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    model = weighted(servers, balancer, 1, 1, 1)
    await edge.start(edge_change(servers, model, 1.0, 128, 1, 1))
    servers.lease.health = 503

    async def drained() -> bool:
        return (await edge.canary_health()).healthy == 0

    await until(drained)
    for one in three:
        one.seen.clear()
    for _ in range(30):
        assert (await client.get("/")).status_code == 200
    if balancer is Balancer.ROUND_ROBIN:
        assert [len(one.seen) for one in three] == pytest.approx([10, 10, 10], abs=2)
