"""The last good shares are tested for ever, and a lopsided edge is written again."""

import asyncio
from pathlib import Path

import pytest

from ostiary.edge.counters import EdgeCounters, SeatKey
from ostiary.edge.edge import Applied
from ostiary.edge.model import EdgeModel
from ostiary.edge.route_classes import Served
from ostiary.guard.plane import DataPlane
from ostiary.guard.share_watch import ShareWatch
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica
from tests.fakes.clock import FakeClock
from tests.fakes.snapshots import FakeSnapshots
from tests.unit.guard.test_plane import made, replica

EDGE = {"s-good": {"weights": [2, 1]}}


class CountingEdge:
    """Stands in for `Edge`: spreads what it is sent as a test says."""

    def __init__(self) -> None:
        self.written = 0
        self.seats = {0: 0, 1: 0}
        self.again = 0

    async def prevalidate(self, _model: EdgeModel) -> None: ...

    async def start(self, _model: EdgeModel) -> None: ...

    async def apply(self, model: EdgeModel) -> Applied:
        self.written += 1
        return Applied(model.version, 0.001, 2)

    async def counters(self) -> EdgeCounters:
        seats = {
            SeatKey("stable", Served.LAST_GOOD, seat, first=True): count
            for seat, count in self.seats.items()
        }
        again = {SeatKey("stable", Served.LAST_GOOD, 0, first=False): self.again}
        return EdgeCounters(seats=seats | again)

    def serve(self, first: int, second: int) -> None:
        self.seats = {0: self.seats[0] + first, 1: self.seats[1] + second}


class World:
    """A watch with everything around it."""

    def __init__(self, path: Path) -> None:
        self.edge, self.clock = CountingEdge(), FakeClock()
        self.plane: DataPlane = made(self.edge, FakeSnapshots(EDGE))  # type: ignore[arg-type]
        self.members = [replica("a", "s-good", 0), replica("b", "s-good", 1)]
        asyncio.run(self.plane.start("s-good", "s-good", list(self.members)))
        self.silent: set[str] = set()
        self.journal = Journal(path / "guard.db", self.clock)
        self.watch = ShareWatch(self.plane, self.answered, journal=self.journal, clock=self.clock)
        self.look()

    def answered(self, one: Replica) -> bool:
        return one.name not in self.silent

    def look(self, first: int = 0, second: int = 0, *, times: int = 1) -> None:
        for _ in range(times):
            self.edge.serve(first, second)
            self.clock.advance(2)
            asyncio.run(self.watch.look())

    def journalled(self) -> list[str]:
        return [each.data["message"] for each in self.journal.entries()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_spread_as_intended_is_left_alone(world):
    world.look(20, 10, times=500)
    assert world.edge.written == 0
    assert world.watch.report()["lopsided"] is None
    assert world.watch.report()["intended_shares"] == (2 / 3, 1 / 3)


def test_a_lopsided_edge_is_written_again_at_once_and_said(world):
    world.look(19, 1, times=15)
    assert world.edge.written == 1
    (said,) = world.journalled()
    assert "Seat 0 gets 95% of the requests, not 67%" in said
    assert world.watch.report()["lopsided"]["replica"] == "a"
    world.look(20, 10, times=10)
    assert world.watch.report()["lopsided"] is None


def test_where_writing_does_not_help_it_is_said_and_not_tried_quickly(world):
    world.look(19, 1, times=300)
    # Ten minutes: after 1, 2 and 4 minutes, and not at every look.
    assert 2 <= world.edge.written <= 5
    assert world.watch.report()["lopsided"]["seat"] == 0


def test_after_a_long_even_time_a_lopsided_edge_is_found_as_quickly(world):
    world.look(20, 10, times=2_000)
    world.look(30, 0, times=30)
    assert world.edge.written == 1


def test_nothing_is_concluded_while_a_replica_is_away_or_many_requests_are_asked_twice(world):
    world.silent = {"b"}
    world.look(20, 0, times=50)
    world.silent = set()
    for _ in range(50):
        world.edge.again += 10
        world.look(20, 0)
    world.plane.set_members("s-good", world.members[:1])
    world.look(20, 0, times=50)
    assert world.edge.written == 0


def test_a_hairs_breadth_is_nobodys_harm(world):
    world.look(70, 30, times=1_000)
    assert world.edge.written == 0
