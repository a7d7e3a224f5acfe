"""A group of replicas: who is started when, who is routed to when, and who is let go."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.guard.replica_probes import Kind, Trouble
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError, ReplicaSpec
from tests.fakes.clock import FakeClock

SNAPSHOT = Snapshot(
    "s-good",
    {"identity": "r"},
    {"identity": {"replicas": 2}, "flags": {}, "edge": {}, "services": {}},
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

    def start(self, spec: ReplicaSpec) -> Replica:
        port = 20_000 + len(self.started) * 2
        replica = Replica(
            service=spec.service,
            name=spec.name,
            snapshot=spec.snapshot,
            release=spec.release,
            host="127.0.0.1",
            port=port,
            health_port=port + 1,
            process=ProcessRecord(port, 1, "boot"),
            log=Path("log"),
            started_at="2026-01-01T00:00:00Z",
        )
        self.started.append(replica)
        return replica

    async def wait_ready(self, replica: Replica, _seconds_max: float) -> None:
        while self.started.index(replica) in self.held:  # noqa: ASYNC110 - a test's own set
            await asyncio.sleep(0)
        if self.failing:
            self.dead.add(replica.name)
            raise ReplicaFailedError(replica.name, FailureReason.EXITED, "It ended.", ["why"], "")

    async def stop(self, replica: Replica, _seconds_max: float) -> None:
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

    def log_tail(self, _replica: Replica, lines: int = 20) -> list[str]:
        return ["last words"][:lines]


class Routes:
    """Stands in for the data plane: the members, and what the edge was last told of them."""

    def __init__(self, snapshot: str = SNAPSHOT.id) -> None:
        self.last_good = snapshot
        self.stable: list[Replica] = []
        self.told: list[list[str]] = []

    def kept_snapshots(self) -> list[str]:
        return [self.last_good]

    def members(self, snapshot: str) -> list[Replica]:
        return list(self.stable) if snapshot == self.last_good else []

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        if not members or snapshot != self.last_good:
            return False
        self.stable = members
        return True

    async def refresh(self) -> None:
        self.told.append([one.name for one in self.stable])


class Probes:
    """Stands in for the probes: finds the trouble that a test says."""

    def __init__(self) -> None:
        self.found: dict[str, Trouble] = {}

    def trouble(self, replica: Replica) -> Trouble | None:
        return self.found.get(replica.name)


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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    monkeypatch.setattr("ostiary.guard.fleet._LEAVE_SECONDS", 0.0)
    clock, processes, routes, probes = FakeClock(), Processes(), Routes(), Probes()
    journal = Journal(tmp_path / "guard.db", clock)
    place = FleetPlace("http://x", "sqlite://", "", start_seconds_max=1, stop_seconds_max=1)
    fleet = Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))
    parts = KeeperParts(routes, fleet, Snapshots(), journal, probes, clock)  # type: ignore[arg-type]
    return World(processes, routes, probes, journal, clock, ReplicaKeeper(parts))


def spec(name: str) -> ReplicaSpec:
    return ReplicaSpec("identity", name, SNAPSHOT.id, "r", {}, {}, "i", "d", "")


async def complete(world: World) -> tuple[Replica, Replica]:
    """Return the two members of a group that has served for a long time."""
    first, second = (world.processes.start(spec(name)) for name in ("first", "second"))
    world.routes.stable = [first, second]
    await world.look()
    world.clock.advance(600)
    return first, second


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_each_member_is_routed_to_as_soon_as_it_is_ready(world):
    async def scenario() -> None:
        world.kill(*await complete(world))
        world.processes.held = {2}
        await world.look()
        assert len(world.processes.started) == 4
        assert world.members() == [world.processes.started[3].name]
        world.processes.held = set()
        await world.look()
        assert len(world.members()) == 2

    run(scenario)


def test_the_dead_leave_at_once_and_all_of_them_are_followed_at_once(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.processes.held = {2, 3}
        world.kill(first)
        await world.look()
        assert world.members() == [second.name]
        world.kill(second)
        await world.look()
        assert len(world.processes.started) == 4
        # Nobody is left: the edge keeps the last addresses instead of none.
        assert world.members() == [second.name]
        world.processes.held = set()
        await world.look()
        assert set(world.members()) == {one.name for one in world.processes.started[2:]}

    run(scenario)


def test_a_member_in_a_crash_loop_does_not_slow_its_neighbours_seat(world):
    async def scenario() -> None:
        first, second = await complete(world)
        unlucky = first
        for _ in range(4):
            world.kill(unlucky)
            world.clock.advance(16)
            await world.look()
            world.clock.advance(16)
            await world.look()
            unlucky = world.processes.started[-1]
            world.clock.advance(1)
        started = len(world.processes.started)
        world.kill(second)
        await world.look()
        assert len(world.processes.started) == started + 1

    run(scenario)


def test_a_crash_loop_is_tried_and_journalled_once_per_step(world):
    async def scenario() -> None:
        world.kill(*await complete(world))
        world.processes.failing = True
        for _ in range(20):
            await world.look()
        assert len(world.processes.started) == 4
        assert world.journalled("replica_died") == 4
        world.clock.advance(0.5)
        await world.look()
        assert len(world.processes.started) == 6
        vacant = world.keeper.vacant(SNAPSHOT.id)
        assert [seat.restarts for seat in vacant] == [2, 2]
        assert vacant[0].last_exit is not None
        assert vacant[0].last_exit.log == ("why",)

    run(scenario)


def test_the_wall_clock_decides_nothing(world):
    async def scenario() -> None:
        first, _ = await complete(world)
        world.clock.jump(-3600)
        world.kill(first)
        await world.look()
        assert len(world.members()) == 2
        unlucky = world.processes.started[-1]
        world.clock.jump(7200)
        world.kill(unlucky)
        await world.look()
        # It died young, whatever the wall clock says, so its follower has to wait.
        assert len(world.processes.started) == 3
        world.clock.advance(0.5)
        await world.look()
        assert len(world.processes.started) == 4

    run(scenario)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_member_in_trouble_goes_only_when_its_follower_is_routed_to(world, kind):
    async def scenario() -> None:
        first, second = await complete(world)
        world.probes.found = {first.name: Trouble(kind, "is in trouble")}
        world.processes.held = {2}
        await world.look()
        assert world.processes.stopped == []
        world.processes.held = set()
        await world.look()
        new = world.processes.started[2]
        assert sorted(world.members()) == sorted([second.name, new.name])
        assert world.processes.stopped == [first.name]
        assert sorted(world.routes.told[-1]) == sorted([second.name, new.name])
        assert world.journalled("replica_replaced") == 1

    run(scenario)


def test_members_in_trouble_go_one_after_the_other(world):
    async def scenario() -> None:
        first, second = await complete(world)
        trouble = Trouble(Kind.MEMORY, "is large")
        world.probes.found = {first.name: trouble, second.name: trouble}
        world.processes.held = {2}
        await world.look()
        await world.look()
        assert len(world.processes.started) == 3
        assert world.members() == [first.name, second.name]

    run(scenario)


def test_a_member_whose_follower_fails_stays(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.probes.found = {first.name: Trouble(Kind.HUNG, "hangs")}
        world.processes.failing = True
        for _ in range(5):
            await world.look()
        assert first.name not in world.processes.stopped
        assert sorted(world.members()) == sorted([first.name, second.name])
        assert len(world.processes.started) == 3
        world.processes.failing = False
        world.clock.advance(0.5)
        await world.look()
        assert first.name in world.processes.stopped
        assert len(world.members()) == 2

    run(scenario)


def test_a_member_that_gets_ready_after_a_promotion_is_stopped(world):
    async def scenario() -> None:
        world.kill(*await complete(world))
        world.processes.held = {2, 3}
        await world.look()
        world.routes.last_good = "s-other"
        world.processes.held = set()
        await turns()
        assert sorted(world.processes.stopped) == sorted(
            one.name for one in world.processes.started
        )

    run(scenario)


def test_one_too_many_is_let_go_in_order(world):
    async def scenario() -> None:
        first, second = await complete(world)
        third = world.processes.start(spec("third"))
        world.routes.stable.append(third)
        await world.look()
        assert world.processes.stopped == [first.name]
        assert world.members() == [second.name, third.name]

    run(scenario)
