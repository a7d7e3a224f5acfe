"""A change of services at the guard: its candidates, the edge's model, and the way back."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.changes import actions, events
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import SnapshotStore
from ostiary.guard.candidate_start import UnwantedError
from ostiary.guard.conductor import Conductor
from ostiary.guard.effects import Effects
from ostiary.guard.rehearsal.comparison import Comparison
from ostiary.guard.rehearsal.memory_watch import LARGE_IN_ROW_MAX, MemoryWatch
from ostiary.guard.service_groups import ServiceMembers
from ostiary.guard.service_stages import ServiceStages
from ostiary.kernel.errors import RefusedError
from ostiary.runtime.ports import Replica, ReplicaFailedError
from tests.unit.guard.test_plane import RecordingEdge, made
from tests.unit.guard.test_plane import replica as identity_replica
from tests.unit.guard.test_services import ORDERS, STOCK, changed, make, running, snapshot

__all__ = ["make"]

OLD = snapshot(orders=ORDERS, stock=STOCK)
NEW = snapshot(orders=changed(timeout_seconds=3.0, replicas=1, weights=(5,)), stock=STOCK)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    kept = SnapshotStore(tmp_path / "kept")
    for each in (OLD, NEW):
        kept.add(each.releases, each.settings)
    return kept


@pytest.fixture
def edge() -> RecordingEdge:
    return RecordingEdge()


@pytest.fixture
def plane(edge: RecordingEdge, store: SnapshotStore) -> Any:
    """A data plane with both services, and a candidate of one of them."""
    plane = made(edge, store)  # type: ignore[arg-type]
    asyncio.run(plane.start(OLD.id, OLD.id, [identity_replica("i", OLD.id)]))
    groups = {
        "orders": [running("o-0", OLD), running("o-1", OLD, seat=1)],
        "stock": [running("s-0", OLD, service="stock", seat=3)],
    }
    plane.services.begin(OLD.id, groups)
    plane.services.changing = ("orders",)
    plane.services.candidates = [replace(running("o-new", NEW), port=29_000, health_port=29_001)]
    return plane


def members(plane: Any, service: str = "orders") -> list[str]:
    return [each.name for each in plane.services.members(service)]


def service_of(edge: RecordingEdge, name: str) -> Any:
    return next(each for each in edge.models[-1].services if each.name == name)


def test_only_the_service_that_changes_has_a_canary_and_identity_has_none(plane, edge):
    asyncio.run(plane.set_share("c-1", NEW.id, 0.25))

    orders, stock = service_of(edge, "orders"), service_of(edge, "stock")
    assert edge.models[-1].canary is None
    assert (orders.canary.snapshot, orders.canary.share) == (NEW.id, 0.25)
    assert [(each.name, each.weight) for each in orders.canary.endpoints] == [("o-new", 5)]
    assert (orders.timeout_s, orders.canary.timeout_s) == (15.0, 3.0)
    assert orders.canary.lease.change == "c-1"
    assert [each.name for each in orders.endpoints] == ["o-0", "o-1"]
    assert stock.canary is None


def test_a_withdrawal_leaves_last_good_alone(plane, edge):
    asyncio.run(plane.set_share("c-1", NEW.id, 0.25))
    asyncio.run(plane.withdraw())
    assert service_of(edge, "orders").canary is None
    assert members(plane) == ["o-0", "o-1"]
    assert [each.name for each in plane.take_candidates()] == ["o-new"]
    assert plane.candidates == []


def test_a_promotion_moves_the_service_and_keeps_identitys_replicas(plane, edge):
    asyncio.run(plane.promote(NEW.id))

    assert (plane.last_good, plane.serving) == (NEW.id, OLD.id)
    assert edge.models[-1].last_good == OLD.id
    assert [each.name for each in service_of(edge, "orders").endpoints] == ["o-new"]
    assert service_of(edge, "orders").timeout_s == 3.0
    assert members(plane, "stock") == ["s-0"]
    assert plane.services.snapshot_of("orders") == NEW.id
    assert plane.services.snapshot_of("stock") == OLD.id
    # A second time it moves nothing.
    asyncio.run(plane.promote(NEW.id))
    assert members(plane) == ["o-new"]
    assert [each.name for each in plane.take_replaced()] == ["o-0", "o-1"]


def test_a_promotion_can_be_undone_until_the_former_replicas_are_taken(plane, edge):
    asyncio.run(plane.promote(NEW.id))
    edge.refusals = 1
    with pytest.raises(RefusedError):
        asyncio.run(plane.withdraw())
    asyncio.run(plane.withdraw())

    assert (plane.last_good, plane.serving) == (OLD.id, OLD.id)
    assert [each.name for each in service_of(edge, "orders").endpoints] == ["o-0", "o-1"]
    assert plane.services.snapshot_of("orders") == OLD.id
    assert [each.name for each in plane.candidates] == ["o-new"]
    assert plane.take_replaced() == []


def test_envoy_judges_a_canary_whose_candidates_do_not_run_yet(plane, edge):
    judged = []

    async def prevalidate(model: Any) -> None:
        judged.append(next(each for each in model.services if each.name == "orders"))

    edge.prevalidate = prevalidate
    plane.services.candidates = []
    asyncio.run(plane.prevalidate(NEW.id))
    (orders,) = judged
    assert len(orders.canary.endpoints) == 1
    assert orders.canary.share == 0.5


def test_whoever_kept_a_group_up_before_a_promotion_adds_nobody_to_it(plane):
    kept = ServiceMembers(plane.services, "orders", plane.refresh)
    assert kept.is_kept(OLD.id)
    plane.services.promote(NEW.id)

    late = running("late", OLD)
    assert not kept.is_kept(OLD.id)
    assert kept.members(OLD.id) == []
    assert not kept.set_members(OLD.id, [late])
    assert members(plane) == ["o-new"]
    assert kept.set_members(NEW.id, [running("next", NEW)])


def test_after_a_promotion_the_group_is_kept_up_as_the_new_snapshot_says(make):
    world = make(OLD)
    world.store.add(NEW.releases, NEW.settings)
    world.begin()
    world.run()
    world.look()
    groups = world.plane.services
    groups.changing = ("orders",)
    groups.candidates = [running("o-new", NEW)]
    groups.promote(NEW.id)
    world.look()
    world.clock.advance(600)

    world.processes.dead.add("o-new")
    world.look(times=2)

    (follower,) = groups.members("orders")
    assert follower.snapshot == NEW.id
    (spec,) = [each for each in world.processes.specs if each.snapshot == NEW.id]
    assert spec.settings["timeout_seconds"] == 3.0
    assert "journeys" not in spec.settings
    # The former ones are left to the change, dead or alive.
    assert len(groups.replaced) == 2


class Whole:
    """Releases as they were imported; `altered` are files that are not."""

    def __init__(self) -> None:
        self.altered_files: list[str] = []

    async def altered(self, _snapshot: object, services: tuple[str, ...]) -> list[str]:
        assert services == ("orders",)
        return self.altered_files


class Stage:
    """What starts and rehearses candidates, over processes that do as a test says."""

    def __init__(self, world: Any) -> None:
        self.world, self.check = world, Whole()
        self.sizes: dict[str, float] = {}
        world.plane.services.changing = ("orders",)
        comparison = Comparison(lambda each: self.sizes.get(each.name, 0.0), world.journal)
        self.stages = ServiceStages(
            world.plane.services, world.start.fleet, self.check, comparison, self._journeys
        )  # type: ignore[arg-type]
        self.found = events.Rehearsed(passed=True)
        self.meanwhile: Any = lambda: None

    async def _journeys(self, _snapshot: object) -> events.Rehearsed:
        self.meanwhile()
        return self.found

    def start(self) -> Any:
        return asyncio.run(self.stages.start(NEW, lambda: True))

    def rehearse(self) -> events.Rehearsed:
        return asyncio.run(self.stages.rehearse(NEW))

    @property
    def candidates(self) -> list[Replica]:
        return list(self.world.plane.services.candidates)


@pytest.fixture
def stage(make, monkeypatch):
    async def answers_well(replica: Replica) -> bool:
        return replica.name not in unwell

    unwell: set[str] = set()
    monkeypatch.setattr("ostiary.guard.service_stages.answers_well", answers_well)
    world = make(OLD)
    world.begin()
    world.run()
    made = Stage(world)
    made.unwell = unwell  # type: ignore[attr-defined]
    return made


def test_candidates_start_as_the_new_snapshot_says_beside_last_good(stage):
    before = stage.world.names()
    assert stage.start() == events.CandidatesReady()
    (candidate,) = stage.candidates
    assert (candidate.snapshot, candidate.service) == (NEW.id, "orders")
    assert stage.world.names() == before
    assert stage.rehearse() == events.Rehearsed(passed=True)


def test_services_start_one_after_the_other_while_they_are_wanted(stage):
    stage.world.plane.services.changing = ("orders", "stock")
    started = stage.world.processes.started
    before = len(started)
    with pytest.raises(UnwantedError):
        asyncio.run(stage.stages.start(NEW, lambda: len(started) == before))
    (candidate,) = started[before:]
    assert candidate.service == "orders"
    assert candidate.name in stage.world.processes.dead


def test_where_one_service_does_not_come_up_no_candidate_stays(stage):
    stage.world.plane.services.changing = ("orders", "stock")
    stage.world.processes.refused = {"stock"}
    with pytest.raises(ReplicaFailedError):
        stage.start()
    assert stage.candidates == []
    started = [each for each in stage.world.processes.started if each.snapshot == NEW.id]
    assert {each.service for each in started} == {"orders", "stock"}
    assert {each.name for each in started} <= stage.world.processes.dead


def test_candidates_that_end_or_are_not_healthy_are_refused(stage):
    stage.start()
    (candidate,) = stage.candidates
    stage.meanwhile = lambda: stage.unwell.add(candidate.name)
    stage.found = events.Rehearsed(passed=False, failures=(Reason("journey_failed", "no"),))
    found = stage.rehearse()
    assert [each.code for each in found.failures] == ["candidate_unavailable", "journey_failed"]
    assert "health path /health" in found.failures[0].text

    stage.meanwhile = lambda: stage.world.processes.dead.add(candidate.name)
    found = stage.rehearse()
    assert "ended: exit code 9" in found.failures[0].text


def test_candidates_that_keep_too_much_memory_or_other_files_are_refused(stage):
    stage.start()
    (candidate,) = stage.candidates
    stage.sizes[candidate.name] = 513.0
    assert [each.code for each in stage.rehearse().failures] == ["memory_growth"]

    stage.sizes.clear()
    stage.meanwhile = lambda: stage.check.altered_files.append("orders/who.py")
    (reason,) = stage.rehearse().failures
    assert (reason.code, reason.numbers) == ("release_changed", {"file": "orders/who.py"})
    # Now it is seen before anything is tried.
    stage.meanwhile = pytest.fail
    assert not stage.rehearse().passed


def test_a_candidate_is_compared_with_last_good_of_its_own_service(plane):
    sizes = {"o-new": 400.0, "o-0": 100.0, "o-1": 90.0, "i": 400.0, "s-0": 400.0}
    watch = MemoryWatch(lambda each: sizes[each.name], lambda _: 600, plane.beside)
    (candidate,) = plane.candidates
    looks = [watch.look([candidate]) for _ in range(LARGE_IN_ROW_MAX)]
    assert looks[-1] is not None
    assert "last good 100 MiB" in looks[-1].text
    sizes["o-0"] = 300.0
    assert [watch.look([candidate]) for _ in range(LARGE_IN_ROW_MAX)] == [None] * LARGE_IN_ROW_MAX
    assert [each.name for each in plane.beside(identity_replica("x", NEW.id))] == ["i"]


def test_each_action_of_such_a_change_goes_to_the_services(plane):
    asked: list[str] = []

    def ask(name: str, answer: Any = None) -> Any:
        async def perform(*_: object) -> Any:
            asked.append(name)
            return answer

        return perform

    parts: dict[str, Any] = {
        "services": SimpleNamespace(start=ask("start"), rehearse=ask("rehearse")),
        "service_trials": SimpleNamespace(pinned=ask("pinned"), proof=ask("proof")),
        "fleet": SimpleNamespace(stop=ask("stop")),
        "precautions": SimpleNamespace(end=lambda: None),
    }
    others = dict.fromkeys(("trials", "check", "journal", "revocations"))
    effects = Effects(plane=plane, **others, **parts)

    async def all_of_them() -> None:
        for action in (
            actions.StartCandidates(),
            actions.RunRehearsal(),
            actions.RunJourneys(),
            actions.RunProof("promotion"),
            actions.StopCandidates(),
        ):
            await effects.perform(action, "c-1", NEW)

    asyncio.run(all_of_them())
    assert asked == ["start", "rehearse", "pinned", "proof", "stop"]
    assert plane.candidates == []


def test_a_guard_that_takes_such_a_change_over_knows_which_services_it_is_of(plane, store):
    plane.services.changing = ()
    delivered = []
    conductor = Conductor(
        SimpleNamespace(
            plane=plane,
            snapshots=store,
            clock=SimpleNamespace(monotonic=lambda: 1.0),
            pacing=None,
            alpha=0.001,
        )  # type: ignore[arg-type]
    )
    conductor._begin = lambda _snapshot, step: delivered.append(step)  # type: ignore[method-assign]
    record: Any = SimpleNamespace(
        id="c-1", snapshot=NEW.id, from_snapshot=OLD.id, state={"nothing": "yet"}
    )

    conductor.take_over(record)

    ((state, ordered),) = delivered
    assert plane.services.changing == ("orders",)
    strata = ("service_orders_1_safe", "service_orders_1_unsafe")
    assert state.evidence.settings.strata == strata
    assert isinstance(ordered[0], actions.WithdrawCanary)
    # A change of identity is none of services.
    conductor.take_over(SimpleNamespace(**{**vars(record), "from_snapshot": NEW.id}))
    assert plane.services.changing == ()


def test_candidates_of_an_earlier_guard_are_told_from_what_serves(make):
    world = make(OLD)
    world.store.add(NEW.releases, NEW.settings)
    serving, candidate = running("a", OLD), running("b", NEW)
    assert world.begin(serving, candidate) == [candidate]
    # Where it was promoted, it is the other way round.
    world.snapshot = NEW
    assert world.begin(replace(serving), candidate) == [serving]
