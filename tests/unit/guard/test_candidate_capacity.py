"""What a candidate can do: when it is measured, when taken over, and what speaks against it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import candidate_capacity
from ostiary.guard.busiest import BUSIEST_MINUTE
from ostiary.guard.candidate_capacity import CandidateCapacity
from ostiary.guard.cores import part_beside_others
from ostiary.guard.load import CAPACITY_MEASURED, LoadWatch
from ostiary.guard.trial_place import TrialPlace
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.watch.capacity import Capacity
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import replica


class World:
    """A last good snapshot with a capacity of 40 and a peak, and candidates of a test's choice."""

    def __init__(self, home: Path, busiest: float) -> None:
        self.clock = FakeClock()
        home.mkdir(exist_ok=True)
        self.journal = Journal(home / "guard.db", self.clock)
        self.snapshots = SnapshotStore(home / "snapshots")
        self.last_good = self.snapshot("r-1")
        day = self.clock.now().date().isoformat()
        self.journal.append(CAPACITY_MEASURED, self.last_good.id, {"sign_ins_per_second": 40.0})
        self.journal.append(BUSIEST_MINUTE, None, {"day": day, "sign_ins_per_second": busiest})
        self.load = LoadWatch(list, self.clock)
        self.load.recall(self.journal.entries())
        plane: Any = SimpleNamespace(
            last_good=self.last_good.id,
            stable=[replica("identity-1", self.last_good.id)],
            canary=[replica("identity-2", "s-2", port=20_010)],
        )
        place = TrialPlace("http://x", "http://x", 5.0, "admin", "pin")
        self.capacity = CandidateCapacity(
            plane, self.load, self.journal, self.snapshots, place, self.clock, SeededRandom(1)
        )

    def snapshot(self, release: str, **identity: object) -> Snapshot:
        settings = SnapshotSettings().to_snapshot()
        settings["identity"] |= identity
        return self.snapshots.add({"identity": release}, settings)

    def find_out(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        asyncio.run(self.capacity.find_out(snapshot))
        return [each.data for each in self.journal.entries(kind=CAPACITY_MEASURED)][1:]


class Measuring(list[str]):
    """Stands in for the measurement; the names of what is measured, and what each one does."""

    candidates: Sequence[float] = (20.0,)
    """What the candidate does, each time that it is measured; the last of them from then on."""
    last_good = 40.0

    async def __call__(self, targets: Any, _admin: Any, **_: Any) -> list[Capacity]:
        self.extend(target.name for target in targets)
        first, *later = self.candidates
        self.candidates = later or [first]
        does = {"identity-1": self.last_good, "identity-2": first}
        return [Capacity(target.name, does[target.name], 50.0, 90.0) for target in targets]


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Measuring:
    """Replace the measurement."""
    measured = Measuring()

    monkeypatch.setattr(candidate_capacity, "measure_capacity", measured)
    monkeypatch.setattr(candidate_capacity, "cores", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0.5, 0.5))
    return measured


def test_what_decides_about_nothing_takes_the_capacity_over(tmp_path, measuring) -> None:
    world = World(tmp_path, 1.0)
    candidate = world.snapshot("r-1", sign_up=False)

    (entry,) = world.find_out(candidate)

    assert measuring == []
    assert entry == {
        "snapshot": candidate.id,
        "sign_ins_per_second": 40.0,
        "same_as": world.last_good.id,
    }
    assert world.capacity.objections(candidate) == ()


@pytest.mark.parametrize("identity", [{"hash_time_cost": 3}, {"threads": 8}, {"replicas": 3}])
def test_other_hashes_threads_or_numbers_are_measured(tmp_path, measuring, identity) -> None:
    world = World(tmp_path, 1.0)

    (entry,) = world.find_out(world.snapshot("r-1", **identity))

    assert measuring == ["identity-2"]
    # Three replicas share two cores, so each does two thirds of what one did alone.
    alone = 20.0 if "replicas" not in identity else 13.3
    assert entry["sign_ins_per_second"] == alone


def test_a_slower_release_is_refused_only_where_users_would_feel_it(tmp_path, measuring) -> None:
    calm = World(tmp_path / "calm", 5.0)
    candidate = calm.snapshot("r-2")
    calm.find_out(candidate)
    assert calm.capacity.objections(candidate) == ()

    busy = World(tmp_path / "busy", 22.0)
    candidate = busy.snapshot("r-2")
    busy.find_out(candidate)
    reasons = busy.capacity.objections(candidate)
    assert [reason.code for reason in reasons] == [
        "replica_overloaded",
        "replica_overloaded_one_lost",
        "canary_overloaded",
    ]
    assert "a utilisation of 0.83" in reasons[0].text
    assert measuring == ["identity-2", "identity-2", "identity-2", "identity-1"]


@pytest.mark.parametrize(("candidate", "capacity"), [(19.0, 40.0), (15.0, 30.0), (8.0, 20.0)])
def test_what_last_good_lacks_as_well_is_the_machines(
    tmp_path, measuring, candidate, capacity
) -> None:
    """Last good did 40 when the machine was idle, and does 20 now; the candidate did 20 alone."""
    world = World(tmp_path, 22.0)
    proposed = world.snapshot("r-2")
    measuring.last_good = 20.0
    measuring.candidates = [20.0, candidate]

    (entry,) = world.find_out(proposed)

    assert entry["sign_ins_per_second"] == capacity
    assert entry["side_by_side"] == [candidate, 20.0]
    # Utilisations of 0.41, 0.55 and 0.83 at a peak of 33 over two replicas.
    assert bool(world.capacity.objections(proposed)) is (capacity < 33 / 0.9)


def test_without_a_figure_of_last_good_the_comparison_alone_decides(tmp_path, measuring) -> None:
    world = World(tmp_path, 22.0)
    world.load._capacities.clear()
    measuring.last_good = 20.0
    alike = world.snapshot("r-2")
    assert world.find_out(alike) == []
    assert world.capacity.objections(alike) == ()

    measuring.last_good = 40.0
    slower = world.snapshot("r-3")
    (entry,) = world.find_out(slower)
    assert entry["sign_ins_per_second"] == 20.0
    assert world.capacity.objections(slower)


def test_a_machine_at_its_limit_is_left_in_peace(tmp_path, measuring, monkeypatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (4.5, 4.0, 4.0))
    world = World(tmp_path, 22.0)
    candidate = world.snapshot("r-2")

    assert world.find_out(candidate) == []
    assert measuring == []
    assert world.capacity.objections(candidate) == ()


def test_a_candidate_that_cannot_be_measured_is_a_matter_of_journeys(tmp_path, measuring) -> None:
    world = World(tmp_path, 1.0)
    world.capacity.plane.canary.clear()
    assert world.find_out(world.snapshot("r-2")) == []
    assert measuring == []


@pytest.mark.parametrize(
    ("replicas", "at_once", "cores", "part"),
    [(2, 0, 2, 1.0), (2, 0, 8, 1.0), (4, 0, 2, 0.5), (2, 4, 4, 0.5), (1, 4, 2, 0.5)],
)
def test_replicas_that_share_too_few_cores_do_less_together(replicas, at_once, cores, part) -> None:
    identity = IdentitySettings(replicas=replicas, hash_concurrency=at_once)
    assert part_beside_others(identity, cores) == part
