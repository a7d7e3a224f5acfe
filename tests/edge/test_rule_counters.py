"""Counters stay bounded and complete whatever releases and clients send, and a loss is noticed."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from ostiary.edge.access_stats import MAX_COUNTERS
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Edge
from ostiary.edge.model import EdgePlace
from ostiary.guard.windows import LOST_MAX, WindowReader
from ostiary.kernel.outcomes import OUTCOME_HEADER, Outcome
from tests.edge.conftest import LAST_GOOD, Servers
from tests.edge.replicas import Reply, free_port

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

HOSTILE = 20_000
CONNECTIONS = 20


async def test_20_000_invented_outcomes_make_no_new_counter_and_count_as_faults(
    servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    inventor = _Inventor()
    async with inventor.running():
        servers.last_good.port = inventor.port
        await edge.start(servers.model())
        await _ask(place, CONNECTIONS, share_of=1)
        before = await _names(edge)
        asked = inventor.answered

        # Each is asked twice, because a word with a digit is nobody's.
        await _ask(place, CONNECTIONS, share_of=HOSTILE // 2 // CONNECTIONS)

        assert inventor.answered - asked == HOSTILE
        new = await _names(edge) - before
    # Envoy's own statistics know statuses, which come from a small range.
    assert {name for name in new if name.startswith("ostiary")} == set()
    assert len(new) < 10
    assert len(before) < MAX_COUNTERS
    counters = await edge.counters()
    assert {key.outcome for key in counters.attempts} == {Outcome.OTHER}
    stratum = counters.strata()["page", "stable"]
    assert stratum.requests == stratum.faults == (HOSTILE // 2 + CONNECTIONS)
    assert counters.unnamed_since(EdgeCounters()) == 0


async def test_counts_that_the_limit_drops_are_noticed(
    servers: Servers, edge: Edge, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.edge.access_stats.MAX_COUNTERS", 3)
    outcomes = itertools.cycle(Outcome)
    servers.last_good.answer = lambda _: Reply(200, b"", f"{LAST_GOOD}/{next(outcomes)}")
    await edge.start(servers.model())
    windows = WindowReader(await edge.counters())

    for _ in range(2 * len(Outcome)):
        await client.get("/demo")
    windows.close(await edge.counters())
    windows.close(await edge.counters())

    assert windows.lost == 2 * (len(Outcome) - 3) > LOST_MAX
    assert windows.incomplete


async def test_final_counters_know_no_outcome_and_those_of_attempts_do(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.last_good.answer = lambda _: Reply(200, b"", f"{LAST_GOOD}/unknown_user")
    await edge.start(servers.model())

    answer = await client.post("/sign-in")

    assert OUTCOME_HEADER not in answer.headers
    names = await _names(edge)
    assert any(name.startswith("ostiary.attempt.") and "unknown_user" in name for name in names)
    assert not any(name.startswith("ostiary.final.") and "unknown_user" in name for name in names)


class _Inventor:
    """A quick server of which every answer has an outcome of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answered = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            for writer in self._connections:
                writer.close()
            await asyncio.gather(*self._connections.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections[writer] = task
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))

    def _answer(self, head: bytes) -> bytes:
        if head.startswith(b"GET /live"):
            return b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        self.answered += 1
        outcome = f"{LAST_GOOD}/invented_{self.answered}_{'z' * (self.answered % 30)}"
        return (
            f"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{OUTCOME_HEADER}: {outcome}\r\n\r\n"
        ).encode()


async def _ask(place: EdgePlace, connections: int, *, share_of: int) -> None:
    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(place.listen_host, place.listen_port)
        for _ in range(share_of):
            writer.write(b"GET /demo HTTP/1.1\r\nhost: a\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_connection() for _ in range(connections)))


async def _names(edge: Edge) -> set[str]:
    text = await edge._fleet.live()[0].admin.stats("", kind="Counters")
    return {line.partition(": ")[0] for line in text.splitlines()}
