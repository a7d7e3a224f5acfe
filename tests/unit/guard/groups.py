"""A keeper of replicas with everything around it, where processes do as a test says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.replica_keeper import ReplicaKeeper
from ostiary.guard.replica_probes import Trouble
from ostiary.kernel.errors import OstiaryError, RefusedError
from ostiary.kernel.journal import Journal
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError, ReplicaSpec
from tests.fakes.clock import FakeClock

SNAPSHOT = Snapshot(
    "s-good",
    {"identity": "r"},
    {"identity": {"replicas": 2}, "flags": {}, "edge": {}, "services": {}},
)


def replica(name: str, snapshot: str, *, port: int = 20_000, seat: int = 0) -> Replica:
    """Return a replica with two ports and a process of its own."""
    return Replica(
        service="identity",
        name=name,
        snapshot=snapshot,
        release="r",
        host="127.0.0.1",
        port=port,
        health_port=port + 1,
        process=ProcessRecord(port, 1, "boot"),
        log=Path("log"),
        started_at="2026-01-01T00:00:00Z",
        seat=seat,
    )


@dataclass
class Processes:
    """Stands in for the runtime: processes that live, get ready and die as a test says."""

    started: list[Replica] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    stopped: list[str] = field(default_factory=list)
    held: set[int] = field(default_factory=set)
    """Numbers of starts that do not get ready."""
    failing: bool = False
    immortal: set[str] = field(default_factory=set)
    """Names of those that the kernel does not end."""
    burying: Callable[[], None] | None = None
    """What happens while a dead one is cleared away."""

    def start(self, spec: ReplicaSpec) -> Replica:
        port = 20_000 + len(self.started) * 2
        started = replica(spec.name, spec.snapshot, port=port, seat=spec.seat)
        self.started.append(started)
        return started

    async def wait_ready(self, replica: Replica, _seconds_max: float) -> None:
        while self.started.index(replica) in self.held:  # noqa: ASYNC110 - a test's own set
            await asyncio.sleep(0)
        if self.failing:
            self.dead.add(replica.name)
            raise ReplicaFailedError(replica.name, FailureReason.EXITED, "It ended.", ["why"], "")

    async def stop(self, replica: Replica, _seconds_max: float) -> None:
        if replica.name in self.immortal:
            raise OstiaryError("replica_not_stopped", "It does not end.")
        if self.burying is not None and not self.alive(replica):
            self.burying()
        self.dead.add(replica.name)
        self.stopped.append(replica.name)

    def adopt(self) -> list[Replica]:
        return []

    def alive(self, replica: Replica) -> bool:
        return replica.name not in self.dead

    def how_it_ended(self, _replica: Replica) -> str | None:
        return "exit code 9"

    def memory_mib(self, _replica: Replica) -> float:
        return 0.0

    def log_tail(self, _replica: Replica, lines: int = 20, *, about: str = "") -> list[str]:
        return ["last words"][:lines]


class Routes:
    """Stands in for the data plane: the members, and what the edge was last told of them."""

    def __init__(self, snapshot: str = SNAPSHOT.id) -> None:
        self.last_good = snapshot
        self.stable: list[Replica] = []
        self.told: list[list[str]] = []
        self.refusing = False

    def kept_snapshots(self) -> list[str]:
        return [self.last_good]

    def is_kept(self, snapshot: str) -> bool:
        return bool(self.members(snapshot))

    def members(self, snapshot: str) -> list[Replica]:
        return list(self.stable) if snapshot == self.last_good else []

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        if not members or snapshot != self.last_good:
            return False
        self.stable = members
        return True

    async def refresh(self) -> None:
        if self.refusing:
            raise RefusedError("edge_refused", "Envoy did not take it.")
        self.told.append([one.name for one in self.stable])


class Probes:
    """Stands in for the probes: finds the trouble that a test says."""

    def __init__(self) -> None:
        self.found: dict[str, Trouble] = {}
        self.silent: set[str] = set()

    def trouble(self, replica: Replica) -> Trouble | None:
        return self.found.get(replica.name)

    def answered(self, replica: Replica) -> bool:
        return replica.name not in self.silent


class Snapshots:
    def get(self, _snapshot: str) -> Snapshot:
        return SNAPSHOT


@dataclass
class World:
    """A keeper with everything around it."""

    processes: Processes
    routes: Routes
    probes: Probes
    journal: Journal
    clock: FakeClock
    keeper: ReplicaKeeper

    async def look(self) -> None:
        """Look once, and let what was begun go as far as it can."""
        await self.keeper.look()
        await turns()

    def kill(self, *replicas: Replica) -> None:
        self.processes.dead |= {one.name for one in replicas}

    def members(self) -> list[str]:
        return [one.name for one in self.routes.stable]

    def journalled(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in self.journal.entries())


async def turns() -> None:
    """Let everything that was begun go as far as it can."""
    for _ in range(200):
        await asyncio.sleep(0)


async def at_once(work: Callable[[], object]) -> object:
    """Stand in for a thread."""
    return work()


def spec(name: str, seat: int = 0) -> ReplicaSpec:
    return ReplicaSpec("identity", name, SNAPSHOT.id, "r", {}, {}, "i", "d", "", seat)


async def complete(world: World) -> tuple[Replica, Replica]:
    """Return the two members of a group that has served for a long time."""
    first, second = (
        world.processes.start(spec(name, seat)) for seat, name in enumerate(("first", "second"))
    )
    world.routes.stable = [first, second]
    await world.look()
    world.clock.advance(600)
    return first, second


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]
