"""Keeping a server busy over kept connections, and what it answered in what time.

The client sends bytes that were made once and looks at little but the status, so that on a
machine that both share it takes as little as it can.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from _measured import cpu_seconds, with_children

CONNECTIONS = 8


@dataclass(frozen=True)
class Measured:
    """Answers a second, their latencies in ms, and the server's CPU per answer in ms."""

    rate: float
    p50: float
    p99: float
    cpu: float


def request(port: int, path: str, form: dict[str, str], headers: dict[str, str]) -> bytes:
    """Return a POST as it is written to the socket."""
    body = urlencode(form)
    lines = [
        f"POST {path} HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "content-type: application/x-www-form-urlencoded",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Connection(asyncio.Protocol):
    """A kept connection that sends one request after the other and notes how long each took."""

    def __init__(self, sent: bytes, expected: bytes) -> None:
        self.sent = sent
        self.expected = expected
        self.latencies: list[float] = []
        self.failures = 0
        self.going = True
        self.ended = asyncio.get_running_loop().create_future()
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self.sent)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < length_of(head):
            return
        self.latencies.append(time.perf_counter() - self._began)
        self.failures += not head.startswith(b"HTTP/1.1 " + self.expected)
        self._answer = b""
        if self.going:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)


def length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise AssertionError(head)


async def saturate(port: int, sent: bytes, seconds: float) -> tuple[list[float], int]:
    """Keep every connection busy for a while; return all latencies in seconds, and failures."""
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: Connection(sent, b"200"), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    connections = [connection for _, connection in pairs]
    await asyncio.sleep(seconds)
    for connection in connections:
        connection.going = False
    await asyncio.gather(*(connection.ended for connection in connections))
    latencies = [latency for each in connections for latency in each.latencies]
    return latencies, sum(each.failures for each in connections)


def measure(pid: int, port: int, sent: bytes, seconds: float) -> Measured:
    """Keep the server busy for a while. Ends the program when an answer is not 200."""
    pids = with_children(pid)
    before, began = cpu_seconds(pids), time.perf_counter()
    latencies, failures = asyncio.run(saturate(port, sent, seconds))
    took, cpu = time.perf_counter() - began, cpu_seconds(pids) - before
    if failures:
        raise SystemExit(f"{failures} of {len(latencies)} answers were not 200")
    ordered = sorted(latencies)
    count = len(ordered)
    return Measured(
        rate=count / took,
        p50=ordered[count // 2] * 1000,
        p99=ordered[count * 99 // 100] * 1000,
        cpu=cpu / count * 1000,
    )
