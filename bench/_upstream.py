"""A cheap replica for measuring the edge: answers every request at once with one outcome.

Run by the benchmarks as a process of its own: python bench/_upstream.py SNAPSHOT
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ostiary.edge.model import Endpoint
from ostiary.kernel.outcomes import OUTCOME_HEADER


class Answering(asyncio.Protocol):
    """Answers each request head; bodies are not expected."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(self._answer * len(heads))


async def serve(snapshot: str) -> None:
    body = snapshot.encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{OUTCOME_HEADER}: {snapshot}/ok"
    answer = head.encode() + b"\r\n\r\n" + body
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def upstream(snapshot: str, name: str) -> Iterator[Endpoint]:
    """Run a replica of a snapshot and yield where it answers."""
    with subprocess.Popen(
        [sys.executable, __file__, snapshot], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield Endpoint(name, "127.0.0.1", port, port)
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
