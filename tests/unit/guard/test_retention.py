"""Which releases are kept, and that nothing that is needed is ever removed."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ostiary.changes.snapshot import SnapshotStore
from ostiary.guard import history
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.history import History
from ostiary.guard.retention import Retention, snapshots_needed
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def change(name: str, snapshot: str, result: dict[str, Any] | None = None) -> ChangeRecord:
    return ChangeRecord(name, "", snapshot, "s-from", {}, result=result)


def test_the_newest_good_ones_are_needed_and_never_fewer_than_two() -> None:
    found = History(marks=("s-1", "s-2", "s-3", "s-4"))
    assert snapshots_needed(found, [], kept=3) == {"s-2", "s-3", "s-4"}
    assert snapshots_needed(found, [], kept=0) == {"s-3", "s-4"}


def test_what_is_served_and_what_is_unfinished_is_needed_however_old() -> None:
    settled = tuple(change(f"c-{number}", f"s-old{number}", {}) for number in range(9))
    found = History(marks=("s-1",), changes=(change("c-x", "s-new"), *settled))
    needed = snapshots_needed(found, ["s-served"], kept=2)
    assert {"s-1", "s-new", "s-from", "s-served", "s-old8", "s-old4"} <= needed
    assert "s-old3" not in needed


class Place:
    """Releases, snapshots and a journal on disk."""

    def __init__(self, root: Path) -> None:
        self.clock = FakeClock()
        self.root = root
        self.releases = ReleaseStore(root / "releases")
        self.snapshots = SnapshotStore(root / "snapshots")
        self.journal = Journal(root / "guard.db", self.clock)
        self.retention = Retention(self.snapshots, self.releases, self.journal, self.clock, kept=2)

    def snapshot(self, number: int, *, age: timedelta) -> str:
        """Make a release of its own, imported so long ago, and a snapshot of it."""
        source = self.root / f"source-{number}" / "ostiary"
        source.mkdir(parents=True)
        (source / "__init__.py").write_text(f"NUMBER = {number}\n")
        (source / "identity").mkdir()
        (source / "identity" / "__init__.py").touch()
        (source / "identity" / "__main__.py").touch()
        release = self.releases.import_release(source.parent)
        imported = (self.clock.now() - age).timestamp()
        manifest = release.directory.with_suffix(".json")
        os.utime(manifest, (imported, imported))
        snapshot = self.snapshots.add({"identity": release.hash}, {"flags": {}})
        return snapshot.id


async def test_only_old_releases_that_nothing_needs_are_removed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    old = timedelta(days=2)
    names = [place.snapshot(number, age=old) for number in range(4)]
    young = place.snapshot(4, age=timedelta(minutes=5))
    removed = await place.retention.tidy(History(marks=tuple(names)), [names[0]])
    gone = place.snapshots.get(names[1]).releases["identity"]
    assert removed == [gone]
    kept = {each.hash for each in place.releases.list_()}
    assert kept == {
        place.snapshots.get(name).releases["identity"] for name in (names[0], *names[2:], young)
    }
    assert [entry.kind for entry in place.journal.entries()] == ["release_removed"]
    assert not place.releases.remove(gone)


async def test_while_a_needed_snapshot_cannot_be_read_nothing_is_removed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    names = [place.snapshot(number, age=timedelta(days=2)) for number in range(4)]
    (tmp_path / "snapshots" / f"{names[3]}.json").write_text("{")
    assert await place.retention.tidy(History(marks=tuple(names)), []) == []


async def test_a_release_that_is_proposed_again_is_young_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.snapshot(1, age=timedelta(days=2))
    place.releases.import_release(tmp_path / "source-1")
    present = replace(History(), marks=())
    place.clock.advance(1)
    assert await place.retention.tidy(present, []) == []


def test_a_mark_can_be_taken_away_and_given_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "guard.db", FakeClock())

    def note(kind: str, snapshot: str) -> History:
        journal.append(kind, snapshot, {"snapshot": snapshot})
        return history.read(journal.entries())

    note(history.MARKED_GOOD, "s-1")
    assert note(history.MARKED_GOOD, "s-2").last_good == "s-2"
    assert note(history.MARK_TAKEN, "s-2").last_good == "s-1"
    assert note(history.MARKED_GOOD, "s-2").marks == ("s-1", "s-2")
    assert note(history.MARKED_GOOD, "s-1").marks == ("s-2", "s-1")
