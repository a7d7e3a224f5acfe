"""What the controller is told of the replicas while a change of the edge spreads requests."""

import asyncio

import pytest

from ostiary.edge.counters import EdgeCounters, SeatKey
from ostiary.edge.route_classes import Served
from ostiary.guard.balance_watch import BalanceWatch
from ostiary.guard.load import LoadWatch
from ostiary.guard.plane import DataPlane
from tests.fakes.clock import FakeClock
from tests.fakes.snapshots import FakeSnapshots
from tests.unit.guard.test_plane import RecordingEdge, made, replica

EDGES = {
    "s-even": {"weights": [1, 1]},
    "s-two": {"weights": [2, 1], "capacity": [9.0, 8.0]},
    "s-hash": {"balancer": "maglev"},
    "s-slow": {"weights": [1, 1], "per_try_timeout_seconds": 5.0},
}


class CountedEdge(RecordingEdge):
    def __init__(self) -> None:
        super().__init__()
        self.seats: dict[SeatKey, int] = {}

    async def counters(self) -> EdgeCounters:
        return EdgeCounters(seats=dict(self.seats))

    def serve(self, cluster: str, *counts: int) -> None:
        served = Served.CANARY if cluster == "canary" else Served.LAST_GOOD
        for seat, count in enumerate(counts):
            key = SeatKey(cluster, served, seat, first=True)
            self.seats[key] = self.seats.get(key, 0) + count


@pytest.fixture
def edge() -> CountedEdge:
    return CountedEdge()


@pytest.fixture
def plane(edge: CountedEdge) -> DataPlane:
    plane = made(edge, FakeSnapshots(EDGES))
    members = [replica("a", "s-even", 0), replica("b", "s-even", 1)]
    asyncio.run(plane.start("s-even", "s-even", members))
    return plane


@pytest.fixture
def load(plane: DataPlane) -> LoadWatch:
    return LoadWatch(lambda: plane.stable, FakeClock())


@pytest.fixture
def watch(plane: DataPlane, load: LoadWatch) -> BalanceWatch:
    return BalanceWatch(plane, load, lambda _: True)


def test_a_change_with_replicas_of_its_own_is_judged_by_its_arms(watch):
    assert watch.begin("s-release", 0.001) is None


def test_a_change_of_the_edge_is_judged_by_the_shares_that_it_intends(watch):
    balance = watch.begin("s-two", 0.001)
    assert balance is not None
    assert balance.intended == (2 / 3, 1 / 3)
    assert balance.former == (0.5, 0.5)
    assert (balance.alpha, balance.by_arms) == (0.001, False)


def test_hashes_intend_no_shares(watch):
    balance = watch.begin("s-hash", 0.001)
    assert balance is not None
    assert balance.intended is None


def test_other_time_outs_are_judged_by_the_arms_too_with_half_of_the_error_each(watch):
    balance = watch.begin("s-slow", 0.001)
    assert balance is not None
    assert (balance.alpha, balance.by_arms) == (0.0005, True)


def test_each_reading_of_the_loads_is_one_look(watch, plane, edge, load):
    watch.begin("s-two", 0.001)
    asyncio.run(plane.set_share("c-1", "s-two", 0.5))
    assert asyncio.run(watch.look("s-two")) is None, "the first one has nothing before it"
    edge.serve("canary", 6, 3)
    edge.serve("stable", 4, 4)
    assert asyncio.run(watch.look("s-two")) is None, "no load has been read since"
    load.rounds += 1
    seen = asyncio.run(watch.look("s-two"))
    assert seen is not None
    assert seen.undisturbed
    rows = [(one.name, one.arm, one.rest, one.capacity) for one in seen.seats]
    assert rows == [("a", 6, 4, 9.0), ("b", 3, 4, 8.0)]


def test_a_step_or_an_empty_seat_disturbs_the_counts(watch, plane, load):
    watch.begin("s-two", 0.001)
    asyncio.run(watch.look("s-two"))
    asyncio.run(plane.set_share("c-1", "s-two", 0.5))
    load.rounds += 1
    stepped = asyncio.run(watch.look("s-two"))
    plane.set_members("s-even", plane.stable[:1])
    load.rounds += 1
    alone = asyncio.run(watch.look("s-two"))
    assert stepped is not None
    assert alone is not None
    assert not stepped.undisturbed
    assert not alone.undisturbed
    assert [one.name for one in alone.seats] == ["a", ""]
