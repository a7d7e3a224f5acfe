"""The flood itself, in a process of its own: sign-ins by unknown browsers from many networks.

Reads one JSON object from standard input, floods, and prints what came back as JSON.
"""

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlencode

from _lanes import Lane, Tally, open_loop, percentile, request_bytes, timed

LANES = 300
REQUESTS_PER_NETWORK = 20


class Flood:
    """Lanes that take another network after every few requests."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._free: list[Lane] = []
        self._networks = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    async def run(self) -> int:
        for _ in range(LANES):
            lane = Lane()
            await self._move(lane)
            self._free.append(lane)
        unsent = await open_loop(self._order["rate"], self._order["seconds"], self._send)
        await asyncio.gather(*self._tasks)
        return unsent

    async def _move(self, lane: Lane) -> None:
        lane.close()
        self._networks += 1
        third, second = self._networks % 256, 1 + self._networks // 256 % 254
        await lane.open(self._order["port"], f"127.{second}.{third}.9")

    def _send(self, number: int) -> asyncio.Task[None] | None:
        if not self._free:
            return None
        task = asyncio.ensure_future(self._sign_in(self._free.pop(), number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _sign_in(self, lane: Lane, number: int) -> None:
        order = self._order
        if lane.used >= REQUESTS_PER_NETWORK or not lane.is_open:
            await self._move(lane)
        form = {
            "csrf_token": order["csrf_token"],
            "email": f"flood{number}@example.org",
            "password": "a guess",
        }
        headers = {"cookie": order["cookie"]}
        request = request_bytes("POST", "/sign-in", order["host"], headers, urlencode(form))
        await timed(lane, "flood", request, self.tally)
        self._free.append(lane)


def main() -> None:
    flood = Flood(json.loads(sys.stdin.readline()))
    began = time.process_time()
    unsent = asyncio.run(flood.run())
    statuses = {str(status): count for (_, status), count in flood.tally.statuses.items()}
    seconds = flood.tally.seconds.get("flood", [])
    result = {
        "statuses": statuses,
        "unsent": unsent,
        "cpu_seconds": time.process_time() - began,
        "p50_ms": percentile(seconds, 0.5) * 1000,
        "p99_ms": percentile(seconds, 0.99) * 1000,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
