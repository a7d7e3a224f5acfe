"""A group of replicas: who is started when, who is routed to when, and who is let go."""

import pytest

from ostiary.guard.replica_probes import Kind, Trouble
from tests.unit.guard.groups import SNAPSHOT, complete, run, spec, turns


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


def test_whoever_follows_a_member_takes_its_seat(world):
    async def scenario() -> None:
        first, second = await complete(world)
        assert (first.seat, second.seat) == (0, 1)
        world.kill(first)
        await world.look()
        follower = world.processes.started[-1]
        assert follower.seat == 0
        world.clock.advance(600)
        world.probes.found = {second.name: Trouble(Kind.MEMORY, "takes too much")}
        await world.look()
        assert {one.seat for one in world.routes.stable} == {0, 1}
        assert second.name not in world.members()

    run(scenario)


def test_a_guard_that_finds_one_of_two_fills_the_other_seat(world):
    async def scenario() -> None:
        world.routes.stable = [world.processes.start(spec("found", 1))]
        await world.look()
        assert sorted(one.seat for one in world.routes.stable) == [0, 1]

    run(scenario)
