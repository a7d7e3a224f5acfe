from dataclasses import replace

import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.health import CanaryHealth
from tests.edge.conftest import Servers, until
from tests.edge.replicas import Replica, Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


async def _canary_is(edge: Edge, healthy: int) -> None:
    async def seen() -> bool:
        return await edge.canary_health() == CanaryHealth(healthy, 1)

    await until(seen)


async def test_the_lease_is_asked_of_the_guard_for_this_change_and_epoch(
    servers: Servers, edge: Edge
) -> None:
    await edge.start(servers.model(0.5))

    assert await edge.canary_health() == CanaryHealth(1, 1)
    assert set(servers.lease.health_checks) == {"/lease/c-1/e-1"}
    assert servers.canary.health_checks == []


async def test_a_lease_that_is_withdrawn_drains_the_canary_and_one_that_is_back_fills_it(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))
    assert (await client.get("/demo")).text == "canary"

    servers.lease.health = 503
    await _canary_is(edge, 0)
    assert (await client.get("/demo")).text == "last good"

    servers.lease.health = 200
    await _canary_is(edge, 1)
    assert (await client.get("/demo")).text == "canary"


async def test_a_dead_guard_drains_the_canary_while_users_are_served(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))
    servers.lease.close()
    answers = []

    async def drained() -> bool:
        answers.append(await client.get("/demo"))
        return answers[-1].text == "last good"

    await until(drained)
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.hasty
async def test_a_hanging_guard_drains_the_canary(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model(1.0))

    servers.lease.hang_health = True
    await _canary_is(edge, 0)

    assert (await client.get("/demo")).text == "last good"


async def test_what_a_drained_canary_leaves_to_others_is_in_no_arm(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.lease.health = 503
    await edge.start(servers.model(1.0))

    await client.get("/demo")

    stratum = (await edge.counters()).strata()["page", "canary"]
    assert (stratum.requests, stratum.faults, stratum.overturned) == (0, 0, 0)


async def test_a_stable_replica_that_is_not_live_gets_no_traffic_until_nobody_is(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    second = Replica(always(Reply(200, b"second", "s-aaaaaaaaaaaa/ok")))
    try:
        servers.extra_stable = (second,)
        second.health = 503
        await edge.start(servers.model())
        assert {(await client.get("/demo")).text for _ in range(10)} == {"last good"}

        servers.last_good.health = 503

        async def both() -> bool:
            return {(await client.get("/demo")).text for _ in range(10)} == {"last good", "second"}

        await until(both)
    finally:
        second.close()


async def test_a_stable_replica_that_dies_or_fails_is_masked_by_the_other(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    second = Replica(always(Reply(500, b"Oops", "s-aaaaaaaaaaaa/internal_error")))
    try:
        servers.extra_stable = (second,)
        await edge.start(servers.model())
        failing = {(await client.post("/sign-in")).text for _ in range(10)}
        assert second.seen
        second.close()
        dead = {(await client.post("/sign-in")).text for _ in range(10)}
        assert failing | dead == {"last good"}
    finally:
        second.close()


async def test_the_status_page_can_change_while_the_edge_runs(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(servers.model())
    await edge.apply(replace(servers.model(), status_url="https://other.example.org/"))
    servers.last_good.close()

    answer = await client.get("/sign-in", headers={"accept": "text/html"})

    assert 'href="https://other.example.org/"' in answer.text
