"""Candidates start so that whoever signs in meanwhile is left a core."""

import asyncio
from pathlib import Path

import pytest

from ostiary.guard.candidate_start import start_beside_users
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica, ReplicaFailedError
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import SNAPSHOT, Processes, at_once, turns

SEATS = range(3)


@pytest.fixture
def processes() -> Processes:
    return Processes(held={0})


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes) -> Fleet:
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    monkeypatch.setattr("ostiary.guard.fleet._LEAVE_SECONDS", 0.0)
    clock = FakeClock()
    place = FleetPlace("http://x", "sqlite://", start_seconds_max=1, stop_seconds_max=1)
    journal = Journal(tmp_path / "guard.db", clock)
    return Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))


def of(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.guard.cores.cores", lambda: cores)


@pytest.mark.parametrize(("cores", "together"), [(1, 1), (2, 1), (3, 2), (4, 3), (16, 3)])
def test_as_many_start_together_as_leave_a_core(cores, together, fleet, processes, monkeypatch):
    of(cores, monkeypatch)
    told: list[Replica] = []

    async def run() -> list[Replica]:
        starting = asyncio.create_task(start_beside_users(fleet, SNAPSHOT, SEATS, told.extend))
        await turns()
        assert len(processes.started) == together
        processes.held.clear()
        return await starting

    ready = asyncio.run(run())
    assert [one.seat for one in ready] == list(SEATS)
    assert told == ready == processes.started


def test_one_that_does_not_get_ready_takes_those_before_it_along(fleet, processes, monkeypatch):
    of(2, monkeypatch)

    async def run() -> None:
        starting = asyncio.create_task(start_beside_users(fleet, SNAPSHOT, SEATS))
        await turns()
        processes.held = {1}
        await turns()
        processes.failing = True
        processes.held.clear()
        await starting

    with pytest.raises(ReplicaFailedError):
        asyncio.run(run())
    assert len(processes.started) == 2, "the third one is not even tried"
    assert not [one.name for one in processes.started if processes.alive(one)]
