"""Requests that are under way while the edge is changed."""

import threading
from functools import partial

import anyio
import httpx
import pytest

from ostiary.edge import rollout
from ostiary.edge.clusters import CANARY_CLUSTER
from ostiary.edge.edge import Edge
from tests.edge.conftest import CANARY, LAST_GOOD, Servers, cluster_statuses
from tests.edge.replicas import Reply, Request, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

PEOPLE = 4


@pytest.mark.parametrize("writes", [1, 2])
async def test_a_request_that_is_under_way_at_the_canary_finds_its_second_opinion(
    writes: int, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    asked, goes_on = threading.Semaphore(0), threading.Event()

    def fails_in_the_end(_: Request) -> Reply:
        asked.release()
        goes_on.wait(60)
        return Reply(500, b"Oops", f"{CANARY}/internal_error")

    servers.canary.answer = fails_in_the_end
    await edge.start(servers.model(1.0, per_try_timeout_s=60))
    answers: list[tuple[int, str]] = []

    async def ask() -> None:
        answer = await client.post("/sign-in")
        answers.append((answer.status_code, answer.text))

    async with anyio.create_task_group() as group:
        for _ in range(PEOPLE):
            group.start_soon(ask)
        for _ in range(PEOPLE):
            assert await anyio.to_thread.run_sync(partial(asked.acquire, timeout=60))
        for _ in range(writes):
            await edge.apply(servers.model(per_try_timeout_s=60))
        goes_on.set()

    assert answers == [(200, "last good")] * PEOPLE


async def test_a_cluster_that_nothing_leads_to_goes_when_no_request_can_be_under_way(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers.last_good.answer = always(Reply(200, b"last good", f"{LAST_GOOD}/ok"))
    await edge.start(servers.model(0.5))

    async def clusters() -> set[str]:
        return {each["name"] for each in await cluster_statuses(edge)}

    await edge.apply(servers.model())
    assert CANARY_CLUSTER in await clusters()
    monkeypatch.setattr(rollout, "LINGER_S", 0.0)
    await edge.apply(servers.model())
    assert CANARY_CLUSTER not in await clusters()
    assert (await client.get("/")).text == "last good"
