"""Trouble is counted in looks: a replica is not blamed for one, nor for a guard that was away."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ostiary.guard.replica_probes import Kind, ReplicaProbes
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import Replica


class Health:
    """A health listener that answers with one status; 0 stands for no answer at all."""

    def __init__(self) -> None:
        self.status = 200
        self.connections = 0
        self.replica: Replica | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await reader.readuntil(b"\r\n\r\n")
        if self.status:
            writer.write(f"HTTP/1.1 {self.status} Said\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Health, Replica]]:
    health = Health()
    server = await asyncio.start_server(health.serve, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    replica = Replica(
        service="identity",
        name="identity-1",
        snapshot="s-1",
        release="r",
        host="127.0.0.1",
        port=1,
        health_port=port,
        process=ProcessRecord(1, 1, "boot"),
        log=Path("log"),
        started_at="2026-01-01T00:00:00Z",
    )
    async with server:
        yield health, replica


def test_five_bad_answers_in_a_row_are_a_replica_that_hangs():
    async def scenario() -> None:
        probes = ReplicaProbes(lambda _: 0.0)
        async with listening() as (health, replica):
            for status in (503, 503, 0, 0, 200, 0, 503, 503, 503):
                health.status = status
                await probes.look([replica], lambda _: 512)
                assert probes.trouble(replica) is None
            await probes.look([replica], lambda _: 512)
            trouble = probes.trouble(replica)
            assert trouble is not None
            assert trouble.kind is Kind.HUNG
            assert "HTTP 503" in trouble.words
            # As a user's question, each goes over a connection of its own.
            assert health.connections == 10

    asyncio.run(scenario())


def test_ten_looks_in_a_row_above_its_limit_are_too_much_memory():
    async def scenario() -> None:
        sizes = [600.0] * 9 + [500.0] + [600.0] * 10
        remaining = iter(sizes)
        probes = ReplicaProbes(lambda _: next(remaining))
        async with listening() as (_, replica):
            for _ in sizes[:-1]:
                await probes.look([replica], lambda _: 512)
                assert probes.trouble(replica) is None
            await probes.look([replica], lambda _: 512)
            trouble = probes.trouble(replica)
            assert trouble is not None
            assert (trouble.kind, trouble.words) == (Kind.MEMORY, "keeps 600 MiB of memory")

    asyncio.run(scenario())


def test_a_replica_has_answered_when_its_latest_probe_was_answered_well():
    async def scenario() -> None:
        probes = ReplicaProbes(lambda _: 0.0)
        async with listening() as (health, replica):
            assert not probes.answered(replica)
            for status in (200, 503, 200, 0):
                health.status = status
                await probes.look([replica], lambda _: 512)
                assert probes.answered(replica) is (status == 200)

    asyncio.run(scenario())


def test_a_guard_that_cannot_ask_blames_no_replica(monkeypatch: pytest.MonkeyPatch):
    async def no_descriptor(*_arguments: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async def scenario() -> None:
        probes = ReplicaProbes(lambda _: 0.0)
        async with listening() as (health, replica):
            health.status = 503
            for _ in range(4):
                await probes.look([replica], lambda _: 512)
            with monkeypatch.context() as patch:
                patch.setattr("ostiary.guard.replica_probes.live_status", no_descriptor)
                for _ in range(5):
                    with pytest.raises(OSError, match="Too many open files"):
                        await probes.look([replica], lambda _: 512)
            assert probes.trouble(replica) is None
            assert not probes.answered(replica)
            await probes.look([replica], lambda _: 512)
            assert probes.trouble(replica) is not None

    asyncio.run(scenario())
