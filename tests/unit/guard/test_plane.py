"""Moving the data plane: what is written, and what a failed write leaves to be written again."""

import asyncio
from pathlib import Path

import pytest

from ostiary.edge.edge import Applied
from ostiary.edge.model import EdgeModel, Endpoint
from ostiary.guard.edge_models import EdgeTerms
from ostiary.guard.lease import LeaseServer
from ostiary.guard.plane import DataPlane
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import Replica
from tests.fakes.clock import FakeClock
from tests.fakes.snapshots import FakeSnapshots


class RecordingEdge:
    """Stands in for `Edge`: remembers models, and refuses as many writes as it is told to."""

    def __init__(self) -> None:
        self.models: list[EdgeModel] = []
        self.refusals = 0
        self.judging: asyncio.Event | None = None
        """Where set, Envoy's judgement of a canary takes until it is."""

    async def prevalidate(self, model: EdgeModel) -> None:
        if self.judging is not None and model.canary is not None:
            await self.judging.wait()

    async def start(self, model: EdgeModel) -> None:
        self.models.append(model)

    async def apply(self, model: EdgeModel) -> Applied:
        if self.refusals:
            self.refusals -= 1
            raise RefusedError("edge_refused", "Envoy did not take it.")
        self.models.append(model)
        return Applied(model.version, 0.001, 2)


def replica(name: str, snapshot: str, seat: int = 0) -> Replica:
    port = 20_000 + sum(map(ord, name))
    return Replica(
        service="identity",
        name=name,
        snapshot=snapshot,
        release="r",
        host="127.0.0.1",
        port=port,
        health_port=port + 1,
        process=ProcessRecord(1, 1, "boot"),
        log=Path("log"),
        started_at="2026-01-01T00:00:00Z",
        seat=seat,
    )


@pytest.fixture
def edge() -> RecordingEdge:
    return RecordingEdge()


def made(edge: RecordingEdge, snapshots: FakeSnapshots) -> DataPlane:
    lease = LeaseServer(FakeClock(), seconds_max=3.0)
    return DataPlane(edge, lease, EdgeTerms("epoch", 4000), snapshots)  # type: ignore[arg-type]


@pytest.fixture
def plane(edge: RecordingEdge) -> DataPlane:
    plane = made(edge, FakeSnapshots())
    asyncio.run(plane.start("s-old", "s-old", [replica("old", "s-old")]))
    plane.canary = [replica("new", "s-new")]
    return plane


def stable_names(model: EdgeModel) -> list[str]:
    return [endpoint.name for endpoint in model.stable]


def test_a_share_routes_to_the_canary_and_a_withdrawal_to_the_last_good_version_only(plane, edge):
    asyncio.run(plane.set_share("c-1", "s-new", 0.05))
    canary = edge.models[-1].canary
    assert canary is not None
    assert (canary.snapshot, canary.share) == ("s-new", 0.05)
    asyncio.run(plane.withdraw())
    assert edge.models[-1].canary is None
    assert stable_names(edge.models[-1]) == ["old"]


def test_a_withdrawal_that_was_refused_is_written_again_when_asked_again(plane, edge):
    asyncio.run(plane.set_share("c-1", "s-new", 0.05))
    edge.refusals = 1
    with pytest.raises(RefusedError):
        asyncio.run(plane.withdraw())
    assert edge.models[-1].canary is not None
    assert asyncio.run(plane.withdraw()) is not None
    assert edge.models[-1].canary is None


def test_an_undone_promotion_that_was_refused_is_written_again(plane, edge):
    asyncio.run(plane.set_share("c-1", "s-new", 1.0))
    asyncio.run(plane.promote("s-new"))
    assert stable_names(edge.models[-1]) == ["new"]
    edge.refusals = 1
    with pytest.raises(RefusedError):
        asyncio.run(plane.withdraw())
    asyncio.run(plane.withdraw())
    assert stable_names(edge.models[-1]) == ["old"]
    assert plane.last_good == "s-old"
    assert [one.name for one in plane.canary] == ["new"]


def test_nothing_is_written_where_nothing_was_routed(plane, edge):
    written = len(edge.models)
    assert asyncio.run(plane.withdraw()) is None
    assert len(edge.models) == written


def test_every_write_has_a_version_of_its_own(plane, edge):
    for share in (0.0, 0.5):
        asyncio.run(plane.set_share("c-1", "s-new", share))
    asyncio.run(plane.withdraw())
    versions = [model.version for model in edge.models]
    assert len(set(versions)) == len(versions)


def test_a_withdrawal_overtakes_a_share_that_envoy_still_judges(plane, edge):
    async def scenario() -> None:
        await plane.set_share("c-1", "s-new", 0.05)
        edge.judging = asyncio.Event()
        growing = asyncio.create_task(plane.set_share("c-1", "s-new", 0.25))
        await asyncio.sleep(0)
        await plane.withdraw()
        withdrawn = len(edge.models)
        edge.judging.set()
        await growing
        # What was judged meanwhile is not written: it is what nobody wants any more.
        assert [model.canary for model in edge.models[withdrawn - 1 :]] == [None, None]

    asyncio.run(scenario())


def test_members_change_only_where_their_snapshot_is_kept(plane):
    other = replica("other", "s-old")
    assert plane.set_members("s-old", [*plane.stable, other])
    assert not plane.set_members("s-old", [])
    assert not plane.set_members("s-gone", [replica("gone", "s-gone")])
    assert [one.name for one in plane.members("s-old")] == ["old", "other"]
    assert plane.members("s-gone") == []


def test_after_a_promotion_the_former_group_is_kept_too(plane):
    asyncio.run(plane.set_share("c-1", "s-new", 1.0))
    asyncio.run(plane.promote("s-new"))
    assert plane.kept_snapshots() == ["s-new", "s-old"]
    # It is warm and not routed to, so the edge need not be told.
    assert not plane.set_members("s-old", [replica("newer", "s-old")])
    asyncio.run(plane.withdraw())
    assert [one.name for one in plane.stable] == ["newer"]


def test_a_promotion_that_is_ordered_twice_moves_the_groups_once(plane, edge):
    asyncio.run(plane.set_share("c-1", "s-new", 1.0))
    for _ in range(2):
        asyncio.run(plane.promote("s-new"))
        assert stable_names(edge.models[-1]) == ["new"]
    asyncio.run(plane.withdraw())
    assert stable_names(edge.models[-1]) == ["old"]
    assert (plane.last_good, plane.serving) == ("s-old", "s-old")


EDGES = {
    "s-even": {"weights": [1, 1], "per_try_timeout_seconds": 1.0},
    "s-two": {"weights": [2, 1], "balancer": "least_request"},
}


def weights(endpoints: tuple[Endpoint, ...]) -> dict[str, int]:
    return {each.name: each.weight for each in endpoints}


@pytest.fixture
def spread(edge: RecordingEdge) -> DataPlane:
    """A plane with two replicas, whose first member sits in the second seat."""
    plane = made(edge, FakeSnapshots(EDGES))
    members = [replica("b", "s-even", 1), replica("a", "s-even", 0)]
    asyncio.run(plane.start("s-even", "s-even", members))
    return plane


def test_a_change_of_the_edge_has_an_arm_of_the_same_replicas_by_their_seats(spread, edge):
    asyncio.run(spread.set_share("c-1", "s-two", 0.05))
    model = edge.models[-1]
    assert model.canary is not None
    assert model.canary.same_replicas
    assert weights(model.stable) == {"a": 1, "b": 1}
    assert weights(model.canary.endpoints) == {"a": 2, "b": 1}
    assert (model.balancer, model.canary.balancer) == ("round_robin", "least_request")
    assert (model.per_try_timeout_s, model.canary_per_try_timeout_s) == (1.0, 2.0)


def test_a_promotion_of_the_edge_keeps_the_replicas_and_their_name_for_themselves(spread, edge):
    asyncio.run(spread.set_share("c-1", "s-two", 1.0))
    asyncio.run(spread.promote("s-two"))
    model = edge.models[-1]
    assert (spread.last_good, spread.serving, model.last_good) == ("s-two", "s-even", "s-even")
    assert weights(model.stable) == {"a": 2, "b": 1}
    assert spread.take_replaced() == []
    assert spread.kept_snapshots() == ["s-even"]
    # The way back is a change like any other.
    asyncio.run(spread.set_share("c-2", "s-even", 0.5))
    assert weights(edge.models[-1].canary.endpoints) == {"a": 1, "b": 1}


def test_a_promotion_of_the_edge_can_be_taken_back_by_one_write(spread, edge):
    asyncio.run(spread.set_share("c-1", "s-two", 1.0))
    asyncio.run(spread.promote("s-two"))
    written = len(edge.models)
    asyncio.run(spread.withdraw())
    assert len(edge.models) == written + 1
    assert (spread.last_good, spread.serving) == ("s-even", "s-even")
    assert weights(edge.models[-1].stable) == {"a": 1, "b": 1}
