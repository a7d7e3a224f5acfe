"""What a guard waits for when it comes back, and what it leaves to supervision."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

from ostiary.guard.baseline import Served
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.service import Guard
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import SNAPSHOT, Processes, at_once, spec


class Edge:
    """Stands in for the data plane, and remembers who is routed to."""

    def __init__(self) -> None:
        self.routed: list[str] = []

    async def start(self, _last_good: str, _serving: str, stable: list[Replica]) -> None:
        self.routed = [one.name for one in stable]


def bring_up(tmp_path: Path, monkeypatch, found: int) -> tuple[Processes, list[str]]:
    """Return what was started, and who is routed to, with so many replicas of an earlier guard."""
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    clock, processes, edge = FakeClock(), Processes(), Edge()
    place = FleetPlace("http://x", "sqlite://", start_seconds_max=1, stop_seconds_max=1)
    journal = Journal(tmp_path / "guard.db", clock)
    fleet = Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))
    stable = [processes.start(spec(f"found-{number}")) for number in range(found)]
    guard = Guard(SimpleNamespace(fleet=fleet, plane=edge))  # type: ignore[arg-type]
    asyncio.run(guard._bring_up(Served(SNAPSHOT, SNAPSHOT), stable))
    return processes, edge.routed


def test_where_one_replica_serves_nothing_waits_for_another(tmp_path, monkeypatch):
    processes, routed = bring_up(tmp_path, monkeypatch, 1)
    assert routed == ["found-0"]
    assert len(processes.started) == 1


def test_where_none_serves_all_are_started_first(tmp_path, monkeypatch):
    processes, routed = bring_up(tmp_path, monkeypatch, 0)
    assert len(routed) == len(processes.started) == 2
