"""When a candidate may meet the store, what it costs, and what is left when it may not."""

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.changes.model import Reason
from ostiary.changes.snapshot import SnapshotStore
from ostiary.guard.history import STORE_MIGRATED, SUPERVISION_FAILED, History
from ostiary.guard.rehearsal.errors import StoreTrialError
from ostiary.guard.rehearsal.retained import Retained
from ostiary.guard.rehearsal.schema import Column, Schema, Table
from ostiary.guard.rehearsal.store_trial import StoreTrial, StoreTrialParts
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.store_copies import StoreCopies, StoreCopy
from ostiary.runtime.store_program import StoreProgramError
from tests.fakes.clock import FakeClock

TEXT = Column("TEXT", nullable=True)
AS_IT_IS = Schema({"users": Table({"id": TEXT, "old": TEXT})})
WITH_MORE = Schema({"users": Table({"id": TEXT, "old": TEXT, "new": TEXT})})
WITH_LESS = Schema({"users": Table({"id": TEXT})})
SETTINGS: dict[str, Any] = {"identity": {"replicas": 2}, "flags": {}, "edge": {}}


@dataclass
class Programs:
    """Stands in for the programs of releases: they say, take and fail as a test says."""

    database_url: str = "sqlite:///store.db"
    needed: str = "0005"
    at: dict[str, str] = field(default_factory=lambda: {"sqlite:///store.db": "0004"})
    after: Schema = WITH_MORE
    leads_to: str = "0005"
    held: float = 0.1
    needs_of: dict[str, Any] = field(default_factory=dict)
    fails: dict[str, Exception] = field(default_factory=dict)
    hangs: str = ""
    done: list[str] = field(default_factory=list)

    async def _do(self, what: str) -> None:
        self.done.append(what)
        if what in self.fails:
            raise self.fails[what]
        if what == self.hangs:
            await asyncio.sleep(3600)

    async def revision(self, _release: str) -> str:
        await self._do("revision")
        return self.needed

    async def needs(self, release: str) -> Any:
        return self.needs_of.get(release)

    async def present(self, url: str | None = None) -> str:
        await self._do("present")
        return self.at.get(url or self.database_url, "0004")

    async def describe(self, copy: StoreCopy) -> Schema:
        return self.after if copy.database_url in self.at else AS_IT_IS

    async def copy(self, copy: StoreCopy) -> None:
        await self._do("copy")

    async def drop(self, copy: StoreCopy) -> None:
        await self._do("drop")

    async def migrate(self, _release: str, url: str, _limits: object, _started: object) -> float:
        await self._do("migrate" if url == self.database_url else "migrate copy")
        self.at[url] = self.leads_to
        return self.held


class World:
    """A trial with everything around it."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        snapshots = SnapshotStore(directory / "snapshots")
        self.old = snapshots.add({"identity": "a" * 64}, SETTINGS)
        self.new = snapshots.add({"identity": "b" * 64}, SETTINGS)
        self.programs, self.journal = Programs(), journal
        self.stopped: list[StoreCopy] = []
        self.failures: tuple[Reason, ...] = ()
        self.copies = StoreCopies(directory / "rehearsal", self.programs.database_url)
        history = History(marks=(self.old.id,))
        programs: Any = self.programs
        retained = Retained(snapshots, lambda: history, lambda: self.old.id, programs, 10)
        self.trial = StoreTrial(
            StoreTrialParts(
                programs=programs,
                copies=self.copies,
                fleet_on=self._fleet,
                journeys=SimpleNamespace(run=self._run),  # type: ignore[arg-type]
                retained=retained,
                journal=journal,
                clock=FakeClock(),  # type: ignore[arg-type]
                rng=SeededRandom(1),
            )
        )

    def _fleet(self, copy: StoreCopy) -> Any:
        async def stop(_replicas: object, *, routed: bool) -> None:
            self.stopped.append(copy)

        return SimpleNamespace(adopt=list, stop=stop)

    async def _run(self, *_: object) -> tuple[Reason, ...]:
        self.programs.done.append("journeys")
        return self.failures

    def prepare(self) -> tuple[Reason, ...]:
        return asyncio.run(self.trial.prepare(self.new))

    def refused(self) -> list[str]:
        """Return why the candidate may not start; the store and the disk must be as they were."""
        with pytest.raises(StoreTrialError) as raised:
            self.prepare()
        assert "migrate" not in self.programs.done
        assert list(self.copies.left_behind()) == []
        assert not self.journal.entries(kind=STORE_MIGRATED)
        return [reason.code for reason in raised.value.reasons]


@pytest.fixture
def world(tmp_path: Path):
    with closing(Journal(tmp_path / "guard.db", FakeClock())) as journal:
        yield World(tmp_path, journal)


def test_a_release_that_was_good_costs_nothing(world):
    assert asyncio.run(world.trial.prepare(world.old)) == ()
    assert world.programs.done == []


@pytest.mark.parametrize("needed", ["0004", "0003"])
def test_a_release_without_new_migrations_costs_two_questions(world, needed):
    world.programs.needed = needed
    assert world.prepare() == ()
    assert world.programs.done == ["revision", "present"]


def test_the_store_is_migrated_after_its_copy_and_the_copy_is_removed(world):
    (note,) = world.prepare()
    steps = ["copy", "migrate copy", "journeys", "migrate", "drop"]
    assert [each for each in world.programs.done if each in steps] == steps
    assert note.code == "store_migrated"
    assert list(world.copies.left_behind()) == []
    (entry,) = world.journal.entries(kind=STORE_MIGRATED)
    assert (entry.data["from"], entry.data["to"]) == ("0004", "0005")


def test_what_takes_something_from_last_good_is_refused(world):
    world.programs.after = WITH_LESS
    world.programs.needs_of = {"a" * 64: {"users": frozenset({"id", "old"})}}
    assert world.refused() == ["migration_contracts"]
    assert "journeys" not in world.programs.done


def test_a_release_that_does_not_tell_its_needs_needs_everything(world):
    world.programs.after = WITH_LESS
    assert world.refused() == ["migration_contracts"]


def test_what_no_release_needs_that_may_come_back_can_be_taken(world):
    world.programs.after = WITH_LESS
    world.programs.needs_of = {"a" * 64: {"users": frozenset({"id"})}}
    assert [note.code for note in world.prepare()] == ["store_migrated"]


def test_journeys_that_fail_on_the_copy_keep_the_candidate_from_the_store(world):
    world.failures = (Reason("journey_failed", "It does not read hashes."),)
    assert world.refused() == ["journey_failed"]


def test_a_migration_that_would_keep_users_waiting_is_refused(world):
    world.programs.held = 1.2
    assert world.refused() == ["migration_too_long"]


def test_migrations_that_lead_elsewhere_are_refused(world):
    world.programs.leads_to = "0004"
    assert world.refused() == ["migration_incomplete"]


@pytest.mark.parametrize(
    ("step", "error", "code"),
    [
        ("revision", StoreProgramError("store_program_failed", "It fell."), "store_program_failed"),
        ("present", RefusedError("store_unavailable", "It is away."), "store_unavailable"),
        ("copy", StoreProgramError("disk_full", "No room."), "disk_full"),
        ("copy", OSError(28, "No space left on device", "/x"), "store_not_copied"),
        ("migrate copy", StoreProgramError("store_program_slow", "90 s."), "store_program_slow"),
    ],
)
def test_whatever_fails_before_keeps_the_store_and_the_disk_as_they_were(world, step, error, code):
    world.programs.fails[step] = error
    assert world.refused() == [code]


def test_a_lock_that_is_not_got_on_the_store_refuses_the_candidate(world):
    world.programs.fails["migrate"] = StoreProgramError("migration_lock", "Somebody holds it.")
    with pytest.raises(StoreTrialError) as raised:
        world.prepare()
    assert raised.value.reasons[0].code == "migration_lock"
    assert list(world.copies.left_behind()) == []


@pytest.mark.parametrize("step", ["copy", "migrate copy", "migrate"])
def test_a_change_that_ends_meanwhile_gives_the_trial_up(world, step):
    world.programs.hangs = step

    async def end_meanwhile() -> None:
        preparing = asyncio.create_task(world.trial.prepare(world.new))
        while step not in world.programs.done:  # noqa: ASYNC110 - a test's own list
            await asyncio.sleep(0)
        world.trial.give_up()
        await preparing

    with pytest.raises(StoreTrialError) as raised:
        asyncio.run(end_meanwhile())
    assert raised.value.reasons[0].code == "migration_given_up"
    assert list(world.copies.left_behind()) == []


def test_a_copy_that_cannot_be_removed_now_is_removed_later(world):
    world.programs.fails["drop"] = RefusedError("store_unavailable", "It is away.")
    assert [note.code for note in world.prepare()] == ["store_migrated"]
    assert len(list(world.copies.left_behind())) == 1
    assert world.journal.entries(kind=SUPERVISION_FAILED)
    world.programs.fails.clear()
    asyncio.run(world.trial.clean_up())
    assert list(world.copies.left_behind()) == []
