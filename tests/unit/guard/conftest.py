"""A group of replicas whose processes do as a test says."""

from pathlib import Path

import pytest

from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import Probes, Processes, Routes, Snapshots, World, at_once


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    monkeypatch.setattr("ostiary.guard.fleet._LEAVE_SECONDS", 0.0)
    clock, processes, routes, probes = FakeClock(), Processes(), Routes(), Probes()
    journal = Journal(tmp_path / "guard.db", clock)
    place = FleetPlace("http://x", "sqlite://", start_seconds_max=1, stop_seconds_max=1)
    fleet = Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))
    parts = KeeperParts(routes, fleet, Snapshots(), journal, probes, clock)  # type: ignore[arg-type]
    return World(processes, routes, probes, journal, clock, ReplicaKeeper(parts))
