"""A group whose work fails half-way: nobody good is let go, and nobody is left behind."""

import asyncio
from pathlib import Path

import pytest

from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.replica_probes import Kind, Trouble
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import SNAPSHOT, Processes, at_once, complete, run, spec, turns

HANGS = Trouble(Kind.HUNG, "hangs")
LARGE = Trouble(Kind.MEMORY, "is large")


def test_a_member_that_does_not_end_keeps_nobody_from_being_looked_after(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.processes.immortal = {first.name}
        world.probes.found = {first.name: LARGE}
        await world.look()
        new = world.processes.started[-1]
        assert world.members() == [second.name, new.name]
        assert world.journalled("supervision_failed") == 1
        assert world.journalled("replica_replaced") == 0
        world.kill(second)
        await world.look()
        assert world.members() == [new.name, world.processes.started[-1].name]

    run(scenario)


def test_a_member_that_comes_too_late_and_does_not_end_is_only_journalled(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.kill(first)
        world.processes.held = {2}
        await world.look()
        world.processes.immortal = {world.processes.started[2].name}
        world.routes.last_good = "s-other"
        world.processes.held = set()
        await turns()
        assert world.journalled("supervision_failed") == 1
        world.routes.last_good = SNAPSHOT.id
        await world.look()
        assert second.name in world.members()

    run(scenario)


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("another")])
def test_an_error_that_nobody_foresaw_ends_the_guard(world, error, monkeypatch):
    async def fail(*_arguments: object) -> None:
        raise error

    async def scenario() -> None:
        world.kill(*await complete(world))
        monkeypatch.setattr(world.processes, "wait_ready", fail)
        with pytest.raises(RuntimeError, match="looking after replicas failed") as found:
            await asyncio.wait_for(world.keeper.look_after_members(), 60)
        assert found.value.__cause__ is error

    run(scenario)


def test_one_too_many_stays_until_all_have_answered(world):
    async def scenario() -> None:
        first, _ = await complete(world)
        newcomer = world.processes.start(spec("newcomer"))
        world.routes.stable.append(newcomer)
        world.probes.silent = {newcomer.name}
        await world.look()
        assert world.processes.stopped == []
        world.probes.silent = set()
        await world.look()
        assert world.processes.stopped == [first.name]

    run(scenario)


@pytest.mark.parametrize("trouble", [HANGS, LARGE])
def test_of_one_too_many_the_one_in_trouble_goes_and_is_not_followed(world, trouble):
    async def scenario() -> None:
        first, second = await complete(world)
        newcomer = world.processes.start(spec("newcomer"))
        world.routes.stable.append(newcomer)
        world.probes.found = {newcomer.name: trouble}
        await world.look()
        assert world.processes.stopped == [newcomer.name]
        assert world.members() == [first.name, second.name]
        assert len(world.processes.started) == 3

    run(scenario)


def test_after_a_write_that_failed_the_one_in_trouble_still_goes(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.probes.found = {second.name: LARGE}
        world.routes.refusing = True
        await world.look()
        assert len(world.members()) == 3
        assert world.processes.stopped == []
        assert world.journalled("replica_replaced") == 0
        world.routes.refusing = False
        world.clock.advance(0.5)
        await world.look()
        assert world.processes.stopped == [second.name]
        assert world.members() == [first.name, world.processes.started[2].name]
        assert world.journalled("replica_replaced") == 1

    run(scenario)


def test_nobody_is_missing_after_one_too_many_has_died(world):
    async def scenario() -> None:
        await complete(world)
        third = world.processes.start(spec("third"))
        world.routes.stable.append(third)
        world.kill(third)
        await world.look()
        assert len(world.members()) == 2
        assert world.keeper.vacant(SNAPSHOT.id) == []

    run(scenario)


def test_a_group_given_up_during_a_burial_is_not_filled(world):
    async def scenario() -> None:
        first, _ = await complete(world)
        world.kill(first)

        def give_up() -> None:
            world.routes.last_good = "s-other"

        world.processes.burying = give_up
        await world.look()
        assert len(world.processes.started) == 2

    run(scenario)


def test_a_member_that_joins_during_a_burial_is_counted(world):
    async def scenario() -> None:
        first, second = await complete(world)
        third = world.processes.start(spec("third"))
        world.kill(first)
        world.processes.burying = lambda: world.routes.set_members(SNAPSHOT.id, [second, third])
        await world.look()
        assert world.members() == [second.name, third.name]
        assert len(world.processes.started) == 3

    run(scenario)


def test_a_member_that_dies_during_a_burial_is_followed_by_one_that_knows_how_it_ended(world):
    async def scenario() -> None:
        first, second = await complete(world)
        world.kill(first)
        world.processes.burying = lambda: world.kill(second)
        await world.look()
        await world.look()
        assert len(world.processes.started) == 4
        for seat in map(world.keeper.seat, world.members()):
            assert (seat.restarts, seat.last_exit.how) == (1, "died (exit code 9)")

    run(scenario)


def test_one_that_hangs_is_not_left_behind_when_its_group_is_given_up(world):
    async def scenario() -> None:
        first, _ = await complete(world)
        world.probes.found = {first.name: HANGS}
        world.processes.held = {2}
        await world.look()
        world.routes.last_good = "s-other"
        world.processes.failing = True
        world.processes.held = set()
        await turns()
        assert first.name in world.processes.stopped

    run(scenario)


def test_those_that_ended_are_journalled_when_one_of_them_does_not(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    clock, processes = FakeClock(), Processes()
    journal = Journal(tmp_path / "guard.db", clock)
    place = FleetPlace("http://x", "sqlite://", start_seconds_max=1, stop_seconds_max=1)
    fleet = Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))
    replicas = [processes.start(spec(name)) for name in ("first", "second", "third")]
    processes.immortal = {"first"}
    with pytest.raises(OstiaryError, match="does not end"):
        asyncio.run(fleet.stop(replicas, routed=False))
    stopped = [entry.subject for entry in journal.entries() if entry.kind == "replica_stopped"]
    assert stopped == ["second", "third"]
