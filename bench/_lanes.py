"""A load generator that costs little: prepared requests on kept connections, answers half read.

A lane is one connection from one address of 127.0.0.0/8, so that the login service sees as many
networks as there are lanes. Requests are sent when they are due, whether or not earlier ones have
been answered (an open loop); one that finds no free lane is counted as `unsent`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What came back: statuses, and the seconds of each answer by kind of request."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, kind: str, status: int, seconds: float) -> None:
        self.statuses[kind, status] += 1
        self.seconds.setdefault(kind, []).append(seconds)

    def count(self, kind: str, *statuses: int) -> int:
        """Return how many answers of a kind had one of these statuses, or how many in all."""
        return sum(
            number
            for (each, status), number in self.statuses.items()
            if each == kind and (not statuses or status in statuses)
        )


class Lane(asyncio.Protocol):
    """One connection, one request at a time. Status 0 stands for a lost connection."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self.head = b""
        self._transport: asyncio.Transport | None = None
        self._seen = b""
        self._left = -1
        self.used = 0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def open(self, port: int, address: str) -> None:
        loop = asyncio.get_running_loop()
        self.used = 0
        await loop.create_connection(lambda: self, "127.0.0.1", port, local_addr=(address, 0))

    async def reopen(self, port: int, address: str) -> None:
        """Open another connection where the edge has closed this one, which nobody used."""
        if not self.is_open:
            await self.open(port, address)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._end(0)

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its answer."""
        if not self.is_open:
            return 0
        assert self._transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self._seen, self._left = b"", -1
        self.used += 1
        self._transport.write(request)
        return await self.answered

    def data_received(self, data: bytes) -> None:
        if self._left >= 0:
            self._left -= len(data)
        else:
            self._seen += data
            head, separator, body = self._seen.partition(b"\r\n\r\n")
            if not separator:
                return
            self.head = head
            self._left = _content_length(head) - len(body)
        if self._left <= 0:
            self._end(int(self.head[9:12]))

    def _end(self, status: int) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(status)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def open_loop(
    rate: float, seconds: float, send: Callable[[int], "asyncio.Task[None] | None"]
) -> int:
    """Call `send` `rate` times a second; return how often it had no lane to send on."""
    began = time.perf_counter()
    unsent = number = 0
    while (now := time.perf_counter() - began) < seconds:
        while number < now * rate:
            unsent += send(number) is None
            number += 1
        await asyncio.sleep(max(0.001, number / rate - (time.perf_counter() - began)))
    return unsent


async def timed(lane: Lane, kind: str, request: bytes, tally: Tally) -> int:
    began = time.perf_counter()
    status = await lane.ask(request)
    tally.add(kind, status, time.perf_counter() - began)
    return status


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def request_bytes(
    method: str, path: str, host: str, headers: dict[str, str], body: str = ""
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
