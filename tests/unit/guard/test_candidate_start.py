"""Candidates start so that whoever signs in meanwhile is left a core."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.changes import actions, events
from ostiary.guard.candidate_start import UnwantedError, start_beside_users
from ostiary.guard.effects import Effects
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.rehearsal.precautions import Launched
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


def starting(fleet: Fleet, launched: Launched = lambda _: None) -> asyncio.Task[list[Replica]]:
    """Begin to start a candidate for each seat, wanted whatever happens."""
    work = start_beside_users(fleet, SNAPSHOT, SEATS, launched, wanted=lambda: True)
    return asyncio.create_task(work)


def of(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ostiary.guard.cores.cores", lambda: cores)


@pytest.mark.parametrize(("cores", "together"), [(1, 1), (2, 1), (3, 2), (4, 3), (16, 3)])
def test_as_many_start_together_as_leave_a_core(cores, together, fleet, processes, monkeypatch):
    of(cores, monkeypatch)
    told: list[Replica] = []

    async def run() -> list[Replica]:
        begun = starting(fleet, told.extend)
        await turns()
        assert len(processes.started) == together
        processes.held.clear()
        return await begun

    ready = asyncio.run(run())
    assert [one.seat for one in ready] == list(SEATS)
    assert told == ready == processes.started


def test_one_that_does_not_get_ready_takes_those_before_it_along(fleet, processes, monkeypatch):
    of(2, monkeypatch)

    async def run() -> None:
        begun = starting(fleet)
        await turns()
        processes.held = {1}
        await turns()
        processes.failing = True
        processes.held.clear()
        await begun

    with pytest.raises(ReplicaFailedError):
        asyncio.run(run())
    assert len(processes.started) == 2, "the third one is not even tried"
    assert not [one.name for one in processes.started if processes.alive(one)]


def test_what_is_not_wanted_any_more_is_not_started(fleet, processes, monkeypatch):
    of(2, monkeypatch)
    processes.held.clear()

    with pytest.raises(UnwantedError):
        asyncio.run(
            start_beside_users(fleet, SNAPSHOT, SEATS, wanted=lambda: len(processes.started) < 2)
        )

    assert len(processes.started) == 2
    assert not [one.name for one in processes.started if processes.alive(one)]


class Precautions:
    """Has candidates started, and knows whether somebody watches them."""

    watching = False

    async def start(self, _snapshot: object, start: Any) -> events.CandidatesReady:
        await start(self._watch)
        return events.CandidatesReady()

    def _watch(self, _replicas: list[Replica]) -> None:
        self.watching = True

    def end(self) -> None:
        self.watching = False


def effects(fleet: Fleet) -> Effects:
    """Return what a change of identity can do, as far as candidates go."""

    async def seen() -> None:
        return

    plane = SimpleNamespace(services=SimpleNamespace(changing=()), canary=[])
    plane.take_candidates = lambda: list(plane.canary)
    names = ("check", "journal", "revocations", "services", "service_trials")
    others: dict[str, Any] = dict.fromkeys(names)
    trials: Any = SimpleNamespace(faults=SimpleNamespace(seen=seen))
    precautions: Any = Precautions()
    return Effects(fleet, plane, trials=trials, precautions=precautions, **others)  # type: ignore[arg-type]


def test_a_change_starts_its_candidates_so(fleet, processes, monkeypatch):
    of(2, monkeypatch)
    performs = effects(fleet)

    async def run() -> object:
        begun = asyncio.create_task(performs.perform(actions.StartCandidates(), "c-1", SNAPSHOT))
        await turns()
        assert len(processes.started) == 1
        processes.held.clear()
        return await begun

    assert asyncio.run(run()) == events.CandidatesReady()
    assert len(performs.plane.canary) == len(processes.started) == 2


def test_a_change_that_ends_meanwhile_starts_no_more_and_watches_nobody(
    fleet, processes, monkeypatch
):
    of(2, monkeypatch)
    performs = effects(fleet)

    async def run() -> tuple[object, object]:
        begun = asyncio.create_task(performs.perform(actions.StartCandidates(), "c-1", SNAPSHOT))
        await turns()
        ended = asyncio.create_task(performs.perform(actions.StopCandidates(), "c-1", SNAPSHOT))
        await turns()
        processes.held.clear()
        return await begun, await ended

    begun, ended = asyncio.run(run())
    assert isinstance(begun, events.CandidatesFailed)
    assert ended == events.ReplicasStopped()
    assert len(processes.started) == 1
    assert not processes.alive(processes.started[0])
    assert not performs.precautions.watching  # type: ignore[attr-defined]
