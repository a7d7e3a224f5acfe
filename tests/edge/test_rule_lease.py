"""The canary's lease on real Envoy: whatever happens to the guard, the canary drains by itself."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from ostiary.edge.canary_clusters import DRAIN_S
from ostiary.edge.clusters import clusters
from ostiary.edge.edge import Edge
from ostiary.edge.health import CanaryHealth
from ostiary.edge.model import EdgeModel, Endpoint, Lease
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.kernel.clock import SystemClock
from tests.edge.conftest import CANARY, Servers, until
from tests.edge.replicas import Replica, Reply, free_port, replica

pytestmark = [pytest.mark.edge, pytest.mark.hasty, pytest.mark.anyio]

ROOT = Path(__file__).parents[2]


class GuardProcess:
    """A process that answers for one change and epoch."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start("e-1")

    def start(self, epoch: str) -> None:
        command = [sys.executable, "-m", "tests.edge.lease_process", "c-1", epoch, str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"listening\n"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def guard() -> Iterator[GuardProcess]:
    running = GuardProcess()
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
async def lease() -> AsyncIterator[tuple[LeaseServer, int]]:
    """A lease port in this process, for the change and epoch of the models here."""
    server = LeaseServer(SystemClock(), seconds_max=60)
    port = await server.start()
    server.grant(LeaseTerms("c-1", "e-1"))
    try:
        yield server, port
    finally:
        await server.stop()


@pytest.fixture
def other_canary(servers: Servers) -> Iterator[Replica]:
    with replica(Reply(200, b"other canary", f"{CANARY}/ok")) as other:
        servers.extra_canaries = (Endpoint("canary-2", "127.0.0.1", other.port, other.port),)
        yield other


def leased(servers: Servers, port: int, share: float = 1.0) -> EdgeModel:
    model = servers.model(share)
    assert model.canary is not None
    return replace(
        model, canary=replace(model.canary, lease=Lease("c-1", "e-1", "127.0.0.1", port))
    )


async def seen(edge: Edge, healthy: int, hosts: int = 1) -> None:
    async def is_seen() -> bool:
        return await edge.canary_health() == CanaryHealth(healthy, hosts)

    await until(is_seen, seconds=60)


async def who_answers(client: httpx.AsyncClient, *texts: str) -> None:
    """Wait until ten answers come from these and nobody else: a lease may be late for once."""

    async def only_these() -> bool:
        return {(await client.get("/demo")).text for _ in range(10)} == set(texts)

    await until(only_these)


async def nothing_reaches_the_canary(servers: Servers, client: httpx.AsyncClient) -> None:
    servers.canary.seen.clear()
    answers = {(await client.post("/sign-in")).text for _ in range(20)}
    assert answers == {"last good"}
    assert servers.canary.seen == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "stopped"])
async def test_the_canary_of_a_guard_that_is_dead_or_stopped_drains_while_users_are_served(
    number: signal.Signals,
    guard: GuardProcess,
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    await edge.start(leased(servers, guard.port))
    await who_answers(client, "canary")
    answers: list[httpx.Response] = []

    async with anyio.create_task_group() as group:

        async def use() -> None:
            while True:
                answers.append(await client.get("/demo"))

        group.start_soon(use)
        guard.process.send_signal(number)
        await seen(edge, healthy=0)
        group.cancel_scope.cancel()

    assert {answer.status_code for answer in answers} == {200}
    await nothing_reaches_the_canary(servers, client)


async def test_a_guard_that_has_restarted_answers_for_no_old_epoch(
    guard: GuardProcess, servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    await edge.start(leased(servers, guard.port))
    await seen(edge, healthy=1)

    guard.end()
    guard.start("e-2")
    await seen(edge, healthy=0)

    await nothing_reaches_the_canary(servers, client)


async def test_the_canary_of_a_guard_whose_loop_hangs_drains_although_its_port_answers(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    server = LeaseServer(SystemClock(), seconds_max=1.0)
    port = await server.start()
    try:
        server.grant(LeaseTerms("c-1", "e-1"))
        await edge.start(leased(servers, port))

        # Nobody renews the lease any more.
        await seen(edge, healthy=0)
        await nothing_reaches_the_canary(servers, client)

        async def back() -> bool:
            server.renew()
            return await edge.canary_health() == CanaryHealth(1, 1)

        await until(back)
    finally:
        await server.stop()


async def test_a_canary_replica_that_fails_the_guard_s_probe_drains_alone(
    lease: tuple[LeaseServer, int],
    other_canary: Replica,
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    server, port = lease
    await edge.start(leased(servers, port))
    await who_answers(client, "canary", "other canary")

    server.renew(silent={"canary-2"})
    await seen(edge, healthy=1, hosts=2)
    await who_answers(client, "canary")

    server.renew()
    await seen(edge, healthy=2, hosts=2)


async def test_two_canaries_drain_together(
    lease: tuple[LeaseServer, int],
    other_canary: Replica,
    servers: Servers,
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    server, port = lease
    await edge.start(leased(servers, port))

    server.withdraw()
    await seen(edge, healthy=0, hosts=2)

    await nothing_reaches_the_canary(servers, client)
    assert all(request.attempt == 1 for request in servers.last_good.seen)


def test_a_silent_guard_is_noticed_in_time(servers: Servers) -> None:
    canary = next(each for each in clusters(servers.model(1.0)) if each["name"] == "canary")

    (check,) = canary["health_checks"]
    interval, timeout, idle = (
        float(check[name].removesuffix("s"))
        for name in ("interval", "timeout", "no_traffic_interval")
    )
    assert max(interval, idle) + timeout < DRAIN_S <= 0.5
    assert check["unhealthy_threshold"] == 1
    # Envoy would otherwise gather changes of health for a second.
    assert canary["common_lb_config"]["update_merge_window"] == "0s"
