"""Other services at the guard: how they start, who is kept up, and what the edge is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.changes.service_change import require_changeable_services, services_of_change
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history
from ostiary.guard.baseline import Baseline, Served
from ostiary.guard.edge_models import EdgeModels, EdgeTerms
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.guard.service_groups import ServiceGroups
from ostiary.guard.service_start import ServiceStart
from ostiary.guard.status_report import report_status
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica, ReplicaFailedError, ReplicaSpec
from ostiary.runtime.releases import ReleaseStore
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import Probes, Processes, Routes, at_once, turns
from tests.unit.guard.groups import replica as identity_replica

ORDERS = ServiceSettings(command=("orders",), routes=("/orders",), capacity=10)
UNEVEN = ORDERS.model_copy(update={"weights": (3, 1), "ask_again": ("/orders/search",)})
STOCK = ServiceSettings(command=("stock",), routes=("/stock",), replicas=1, strip_prefix=True)


def snapshot(release: str = "o", identity: str = "i", **services: ServiceSettings) -> Snapshot:
    wanted = services or {"orders": ORDERS}
    settings = SnapshotSettings(services=wanted).to_snapshot()
    return Snapshot.of({"identity": identity, **dict.fromkeys(wanted, release)}, settings)


def changed(**values: Any) -> ServiceSettings:
    return ORDERS.model_copy(update=values)


def with_identity(proposed: Snapshot) -> Snapshot:
    settings = {**proposed.settings, "identity": {**proposed.settings["identity"], "threads": 7}}
    return Snapshot.of(proposed.releases, settings)


def without_younger_keys(older: Snapshot) -> Snapshot:
    """Return a snapshot as a version has made it that knew no journeys of services."""
    services = {
        name: {key: value for key, value in table.items() if key != "journeys"}
        for name, table in older.settings["services"].items()
    }
    return Snapshot.of(older.releases, {**older.settings, "services": services})


class Services(Processes):
    """Processes that remember what they were started with."""

    def __init__(self) -> None:
        super().__init__()
        self.specs: list[ReplicaSpec] = []
        self.refused: set[str] = set()

    def start(self, spec: ReplicaSpec) -> Replica:
        self.specs.append(spec)
        health = "" if spec.service == "identity" else "/health"
        started = replace(super().start(spec), service=spec.service, health=health)
        self.started[-1] = started
        return started

    async def wait_ready(self, replica: Replica, seconds_max: float) -> None:
        self.failing = replica.service in self.refused
        await super().wait_ready(replica, seconds_max)


class Plane(Routes):
    """The data plane with groups of services beside identity's."""

    def __init__(self, served: str) -> None:
        super().__init__(served)
        self.services = ServiceGroups()
        self.written = 0

    def kept_snapshots(self) -> list[str]:
        return []

    async def refresh(self) -> None:
        self.written += 1


@dataclass
class World:
    """A start of services, and a keeper that looks after them."""

    snapshot: Snapshot
    store: SnapshotStore
    processes: Services
    plane: Plane
    journal: Journal
    clock: FakeClock
    start: ServiceStart
    keeper: ReplicaKeeper

    def begin(self, *found: Replica) -> list[Replica]:
        return self.start.take_over(self.snapshot, list(found))

    def run(self, *, strictly: bool = False) -> None:
        asyncio.run(self.start.start(self.snapshot, strictly=strictly))

    def names(self, service: str = "orders") -> list[str]:
        return [each.name for each in self.plane.services.members(service)]

    def look(self, times: int = 1) -> None:
        async def scenario() -> None:
            for _ in range(times):
                await self.keeper.look()
                await turns()

        asyncio.run(scenario())


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Snapshot], World]:
    monkeypatch.setattr("ostiary.guard.fleet.in_thread", at_once)
    monkeypatch.setattr("ostiary.guard.fleet._LEAVE_SECONDS", 0.0)

    def world(served: Snapshot) -> World:
        clock, processes, store = FakeClock(), Services(), SnapshotStore(tmp_path / "snapshots")
        store.add(served.releases, served.settings)
        journal, plane = Journal(tmp_path / "guard.db", clock), Plane(served.id)
        place = FleetPlace("http://x", "sqlite://secret", 1, 1, "http://127.0.0.1:8000")
        fleet = Fleet(processes, journal, place, clock=clock, rng=SeededRandom(1))
        parts = KeeperParts(plane, fleet, store, journal, Probes(), clock, plane.services)  # type: ignore[arg-type]
        start = ServiceStart(plane, fleet, store, journal)  # type: ignore[arg-type]
        keeper = ReplicaKeeper(parts)
        return World(served, store, processes, plane, journal, clock, start, keeper)

    return world


def running(name: str, served: Snapshot, *, seat: int = 0, service: str = "orders") -> Replica:
    found = identity_replica(name, served.id, port=21_000 + 2 * seat, seat=seat)
    return replace(found, service=service, health="/health")


def test_every_seat_of_every_service_is_filled_at_a_start(make):
    world = make(snapshot(orders=ORDERS, stock=STOCK))
    assert world.begin() == []

    world.run(strictly=True)

    assert len(world.names("orders")) == 2
    assert len(world.names("stock")) == 1
    orders = next(each for each in world.processes.specs if each.service == "orders")
    assert (orders.release, orders.edge_url) == ("o", "http://127.0.0.1:8000")
    # What is identity's own is told to nobody else.
    assert (orders.database_url, orders.flags) == ("", {})
    assert orders.settings["command"] == ["orders"]


def test_replicas_of_an_earlier_guard_serve_on_where_the_snapshot_says_the_same(make):
    served, before = snapshot(identity="new"), snapshot(identity="old")
    world = make(served)
    world.store.add(before.releases, before.settings)
    first, second = running("a", before, seat=0), running("b", served, seat=1)

    assert world.begin(first, second) == []

    world.run()
    assert world.names() == ["a", "b"]
    assert world.processes.specs == []


@pytest.mark.parametrize(
    "other",
    [
        snapshot("another release"),
        snapshot(orders=ORDERS.model_copy(update={"timeout_seconds": 3.0})),
        snapshot(stock=STOCK),
    ],
)
def test_replicas_of_another_kind_are_of_no_use(make, other):
    world = make(snapshot())
    world.store.add(other.releases, other.settings)
    stray = running("a", other)

    assert world.begin(stray) == [stray]
    assert world.names() == []


def test_replicas_of_an_unknown_snapshot_or_of_no_service_are_of_no_use(make):
    world = make(snapshot())
    unknown = running("a", replace(snapshot(), id="s-0123456789ab"))
    gone = running("b", world.snapshot, service="gone")

    assert world.begin(unknown, gone) == [unknown, gone]


def test_a_new_service_that_does_not_get_ready_is_said_at_once(make):
    world = make(snapshot(orders=ORDERS, stock=STOCK))
    world.begin()
    world.processes.refused = {"stock"}

    with pytest.raises(ReplicaFailedError):
        world.run(strictly=True)


def test_a_service_that_was_good_once_keeps_nobody_from_signing_in(make):
    world = make(snapshot(orders=ORDERS, stock=STOCK))
    world.begin()
    world.processes.refused = {"stock"}

    world.run()

    assert (len(world.names("orders")), world.names("stock")) == (2, [])
    told = [each for each in world.journal.entries() if each.kind == history.SUPERVISION_FAILED]
    assert [each.data["message"] for each in told] == ["It ended."]
    # Tried again later, and then it serves.
    world.processes.refused = set()
    world.look(times=2)
    assert len(world.names("stock")) == 1


def test_dead_members_are_followed_in_their_own_group_only(make):
    world = make(snapshot(orders=ORDERS, stock=STOCK))
    world.begin()
    world.run()
    first, second = world.names("orders")
    world.look()
    world.clock.advance(600)

    world.processes.dead |= {first}
    world.look(times=2)

    survivors = world.names("orders")
    assert second in survivors
    assert first not in survivors
    assert len(survivors) == 2
    assert len(world.names("stock")) == 1
    seat = world.keeper.seat(next(each for each in survivors if each != second))
    assert seat is not None
    assert (seat.restarts, seat.last_exit and seat.last_exit.how) == (1, "died (exit code 9)")


def test_where_all_members_die_at_once_all_are_followed(make):
    world = make(snapshot())
    world.begin()
    world.run()
    before = world.names()
    world.look()
    world.clock.advance(600)

    world.processes.dead |= set(before)
    world.look(times=2)

    assert len(world.names()) == 2
    assert not set(before) & set(world.names())


def test_a_service_that_dies_again_and_again_is_followed_ever_later(make):
    world = make(snapshot(stock=STOCK))
    world.begin()
    world.processes.refused = {"stock"}
    world.run()
    for _ in range(20):
        world.look()
        world.clock.advance(1)

    assert 2 <= len(world.processes.specs) < 12
    (seat,) = world.keeper.vacant_of("stock")
    assert seat.streak >= 2
    assert seat.last_exit is not None


def test_the_edge_is_told_of_services_with_all_that_their_settings_say(make):
    world = make(snapshot(orders=UNEVEN, stock=STOCK))
    world.begin(running("a", world.snapshot), running("b", world.snapshot, seat=1))
    models = EdgeModels(EdgeTerms("e", 9), world.store)

    stable = [identity_replica("i", world.snapshot.id)]
    served = world.snapshot.id
    model = models.make(1, served, served, stable, None, services=world.plane.services)

    orders, stock = model.services
    assert [(each.name, each.seat, each.weight) for each in orders.endpoints] == [
        ("a", 0, 3),
        ("b", 1, 1),
    ]
    assert (orders.ask_again, stock.ask_again) == (("/orders/search",), ())
    assert (orders.routes, orders.requests_max, orders.timeout_s) == (("/orders",), 20, 15.0)
    assert (stock.endpoints, stock.strip_prefix, stock.requests_max) == ((), True, None)


def test_status_shows_services_beside_identity(make):
    world = make(snapshot(orders=UNEVEN))
    world.begin(running("a", world.snapshot), running("b", world.snapshot, seat=1))
    models = EdgeModels(EdgeTerms("e", 9), world.store)
    load: Any = SimpleNamespace(capacity=lambda _: None, load=lambda _: None)
    plane: Any = SimpleNamespace(
        stable=[],
        canary=[],
        services=world.plane.services,
        models=models,
        edge_pids=[],
        last_good="",
        serving="",
    )

    rows = report_status(plane, "http://x", None, load)["replicas"]

    assert [(row["service"], row["name"], row["seat"], row["share"]) for row in rows] == [
        ("orders", "a", 0, 0.75),
        ("orders", "b", 1, 0.25),
    ]


@pytest.mark.parametrize(
    ("proposed", "names"),
    [
        (snapshot(orders=ORDERS, stock=STOCK), "`services.stock`"),
        (snapshot(stock=STOCK), "`services.orders`, `services.stock`"),
        (snapshot(orders=changed(routes=("/new",))), "`services.orders.routes`"),
        (snapshot(orders=changed(strip_prefix=True)), "`services.orders.strip_prefix`"),
        (
            snapshot("another", "another", orders=changed(routes=("/a",))),
            "`services.orders.routes`",
        ),
    ],
)
def test_no_change_can_add_remove_or_move_a_service(proposed, names):
    with pytest.raises(RefusedError) as caught:
        require_changeable_services(proposed, snapshot())

    assert caught.value.code == "services_fixed"
    assert names in caught.value.message
    assert "ostiary down" in (caught.value.hint or "")


@pytest.mark.parametrize("proposed", [snapshot(orders=ORDERS, stock=STOCK), snapshot(stock=STOCK)])
def test_one_that_comes_or_goes_is_no_service_of_the_change(proposed):
    # It would be looked up in both snapshots, and stands in one.
    assert services_of_change(proposed, snapshot()) == ()


@pytest.mark.parametrize(
    ("proposed", "others"),
    [
        (snapshot("another", "another"), "identity's release"),
        (with_identity(snapshot("another")), "`[identity]`"),
        (
            with_identity(snapshot(identity="b", orders=changed(replicas=3))),
            "release, `[identity]`",
        ),
    ],
)
def test_a_change_of_services_touches_nothing_else(proposed, others):
    with pytest.raises(RefusedError) as caught:
        require_changeable_services(proposed, snapshot())

    assert caught.value.code == "services_apart"
    assert "`services.orders` together with" in caught.value.message
    assert others in caught.value.message
    assert "one after the other" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("proposed", "services"),
    [
        (snapshot(identity="new"), ()),
        (snapshot("another"), ("orders",)),
        (snapshot(orders=changed(replicas=3, command=("o", "2"), capacity=None)), ("orders",)),
        (without_younger_keys(snapshot()), ()),
    ],
)
def test_everything_else_of_a_service_can_change_by_itself(proposed, services):
    require_changeable_services(proposed, snapshot())
    assert services_of_change(proposed, snapshot()) == services


def test_one_that_had_to_be_killed_is_on_record(make):
    world = make(snapshot(stock=STOCK))
    world.begin()
    world.run()
    (member,) = world.plane.services.members("stock")

    async def stop(_replica: Replica, _seconds_max: float) -> bool:
        return False

    world.processes.stop = stop  # type: ignore[method-assign,assignment]
    asyncio.run(world.start.fleet.stop([member]))

    (entry,) = [each for each in world.journal.entries() if each.kind == history.REPLICA_STOPPED]
    assert entry.subject == member.name
    assert entry.data["message"] == "It did not end within 1 s of SIGTERM, and was killed."


class Start:
    """A baseline with a settings file whose service has a release on disk."""

    def __init__(self, path: Path) -> None:
        self.source = path / "orders"
        self.source.mkdir()
        (self.source / "app.py").write_text("1\n")
        self.journal = Journal(path / "guard.db", FakeClock())
        self.store = SnapshotStore(path / "snapshots")
        self.releases = ReleaseStore(path / "releases")
        self.settings = ORDERS.model_copy(update={"release": str(self.source)})
        last_good = SnapshotSettings().to_snapshot()
        first = self.store.add({"identity": "i"}, last_good)
        self.journal.append(history.MARKED_GOOD, first.id, {"snapshot": first.id})

    def baseline(self, *, begin: bool = True) -> Baseline:
        settings = SnapshotSettings(services={"orders": self.settings} if self.settings else {})
        return Baseline(self.journal, self.releases, self.store, settings, None, begin)

    def found(self, *, begin: bool = True) -> Served:
        entries = history.read(self.journal.entries())
        return asyncio.run(self.baseline(begin=begin).find(entries))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_services_in_the_file_begin_where_nothing_runs(start):
    served = start.found()

    assert served.has_new_services
    assert served.snapshot == served.replicas
    assert start.releases.get(served.snapshot.releases["orders"])
    assert served.snapshot.settings["services"]["orders"]["routes"] == ["/orders"]
    again = start.found()
    assert (again.snapshot.id, again.has_new_services) == (served.snapshot.id, False)


def test_the_file_does_not_count_while_something_runs(start):
    served = start.found(begin=False)
    assert served.snapshot.settings["services"] == {}
    assert not served.has_new_services


def test_a_release_that_was_edited_meanwhile_begins_as_it_is_now(start):
    before = start.found()
    (start.source / "app.py").write_text("2\n")

    after = start.found()

    assert after.has_new_services
    assert after.snapshot.releases["orders"] != before.snapshot.releases["orders"]
    assert after.snapshot.releases["identity"] == "i"


def test_a_service_that_left_the_file_is_gone(start):
    start.found()
    start.settings = None

    served = start.found()

    assert served.snapshot.releases == {"identity": "i"}
    assert served.snapshot.settings["services"] == {}


def test_a_release_whose_directory_is_gone_goes_on_as_it_was(start):
    before = start.found()
    (start.source / "app.py").unlink()
    start.source.rmdir()

    after = start.found()

    assert (after.snapshot.id, after.has_new_services) == (before.snapshot.id, False)


def test_a_release_that_was_never_good_has_to_be_there(start):
    start.settings = ORDERS.model_copy(update={"release": str(start.source / "none")})

    with pytest.raises(UsageError) as caught:
        start.found()

    assert caught.value.code == "not_a_release"


def test_services_that_could_not_start_are_no_last_good(start):
    before = history.read(start.journal.entries()).last_good
    served = start.found()
    start.baseline().give_up(served, "it could not be started")

    assert history.read(start.journal.entries()).last_good == before
    assert start.found().has_new_services
