"""Whose health counts for what, and what happens when nobody is healthy."""

import json
import threading
import urllib.request
from dataclasses import replace

import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.identity.health import HealthListener
from tests.edge.conftest import Servers, until
from tests.edge.replicas import Reply, free_port, replica

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


async def test_the_health_of_a_stable_replica_is_asked_on_a_listener_of_its_own(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    with replica(Reply()) as listener:
        (endpoint,) = servers.stable()
        model = servers.model()
        await edge.start(replace(model, stable=(replace(endpoint, health_port=listener.port),)))

        assert (await client.get("/demo")).text == "last good"
        assert set(listener.health_checks) == {"/live"}
        assert servers.last_good.health_checks == []


def test_the_listener_answers_while_whoever_is_asked_for_readiness_hangs() -> None:
    released = threading.Event()
    port = free_port()
    listener = HealthListener(
        ("127.0.0.1", port),
        name="identity-1",
        snapshot="s-1",
        ready=lambda: released.wait(60),
        metrics=lambda: b"",
    )
    listener.start()
    waiting = threading.Thread(target=_get, args=(port, "/ready"))
    waiting.start()
    try:
        assert json.loads(_get(port, "/live"))["name"] == "identity-1"
        assert waiting.is_alive()
    finally:
        released.set()
        waiting.join()
        listener.stop()


async def test_with_nobody_healthy_all_are_tried_behind_the_canary_too(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.health = 503
    servers.lease.health = 503
    await edge.start(servers.model(0.5))

    async def drained() -> bool:
        return (await edge.canary_health()).healthy == 0

    await until(drained)
    assert {(await client.post("/sign-in")).text for _ in range(20)} == {"last good"}
    assert servers.canary.seen == []


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        body: bytes = answer.read()
        return body
