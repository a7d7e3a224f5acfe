"""New weights that are taken back while sign-ins wait for the replica that they overload."""

import threading
from collections.abc import AsyncIterator, Callable

import anyio
import httpx
import pytest

from ostiary.edge.edge import Edge
from ostiary.guard.edge_models import EdgeTerms
from ostiary.guard.lease import LeaseServer
from ostiary.guard.plane import DataPlane
from ostiary.kernel.clock import SystemClock
from ostiary.runtime.ports import Replica as Guarded
from tests.edge.conftest import LAST_GOOD, until
from tests.edge.replicas import Replica, Reply, Request
from tests.fakes.snapshots import FakeSnapshots

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

EVEN, LOPSIDED = LAST_GOOD, "s-dddddddddddd"
# Attempts may take long here, so that no slow machine ends one before the test does.
EDGES = {
    EVEN: {"weights": [1, 1, 1], "per_try_timeout_seconds": 20.0},
    LOPSIDED: {"weights": [128, 1, 1], "per_try_timeout_seconds": 20.0},
}
SIGN_INS = 9
OVERLOADED = Reply(503, b"busy", f"{LAST_GOOD}/overloaded")


class Port(LeaseServer):
    """A lease port whose guard never hangs; it counts the health checks that it was sent."""

    def __init__(self) -> None:
        super().__init__(SystemClock(), seconds_max=60)
        self.checks = 0

    def answers(self, path: str, replica: str = "") -> bool:
        self.checks += 1
        return super().answers(path, replica)


@pytest.fixture
async def lease() -> AsyncIterator[tuple[Port, int]]:
    server = Port()
    port = await server.start()
    try:
        yield server, port
    finally:
        await server.stop()


def guarded(running: Replica, seat: int) -> Guarded:
    return Guarded(
        service="identity",
        name=f"identity-{seat}",
        snapshot=EVEN,
        release="r",
        host="127.0.0.1",
        port=running.port,
        health_port=running.port,
        process=None,
        log=None,
        started_at="2026-01-01T00:00:00Z",
        seat=seat,
    )


def overloaded_after(waiting: threading.Event) -> Callable[[Request], Reply]:
    """Answer sign-ins of the arm when the event is set, and then each with `OVERLOADED`."""

    def answer(_: Request) -> Reply:
        waiting.wait()
        return OVERLOADED

    return answer


@pytest.mark.parametrize("end", ["withdraw", "promote"])
async def test_a_sign_in_under_way_is_asked_of_another_replica(
    end: str,
    three: list[Replica],
    lease: tuple[Port, int],
    edge: Edge,
    client: httpx.AsyncClient,
) -> None:
    server, port = lease
    plane = DataPlane(edge, server, EdgeTerms("e-1", port), FakeSnapshots(EDGES))
    members = [guarded(each, seat) for seat, each in enumerate(three)]
    waiting, answers = threading.Event(), list[httpx.Response]()
    three[0].answer = overloaded_after(waiting)
    await plane.start(EVEN, EVEN, members)
    await plane.set_share("c-1", LOPSIDED, 1.0)

    async def is_healthy() -> bool:
        return (await edge.canary_health()).healthy == len(members)

    await until(is_healthy)

    async def sign_in() -> None:
        answers.append(await client.post("/sign-in", content=b"form", timeout=60))

    async def checked_again() -> bool:
        return server.checks > checked + 2 * len(members)

    async def all_wait() -> bool:
        return len(three[0].seen) + len(answers) == SIGN_INS

    try:
        async with anyio.create_task_group() as group:
            for _ in range(SIGN_INS):
                group.start_soon(sign_in)
            await until(all_wait)
            assert len(three[0].seen) > SIGN_INS / 2
            await (plane.withdraw() if end == "withdraw" else plane.promote(LOPSIDED))
            checked = server.checks
            await until(checked_again)
            waiting.set()
    finally:
        waiting.set()

    assert {each.status_code for each in answers} == {200}, "nobody meets the overload twice"
    assert {each.attempt for each in three[0].seen} == {1}
