"""Which snapshot a guard begins to serve, and whose replicas serve it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.changes.configuration import SnapshotSettings
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard import history
from ostiary.guard.baseline import Baseline
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock

SETTINGS = SnapshotSettings()


class World:
    """A journal and snapshots, and what a guard makes of them."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path / "guard.db", FakeClock())
        self.store = SnapshotStore(path / "snapshots")
        self.path = path

    def snapshot(self, release: str = "r", **edge: Any) -> Snapshot:
        settings = SETTINGS.to_snapshot()
        return self.store.add({"identity": release}, settings | {"edge": settings["edge"] | edge})

    def mark(self, snapshot: Snapshot, **more: str) -> None:
        self.journal.append(history.MARKED_GOOD, snapshot.id, {"snapshot": snapshot.id, **more})

    def promote(self, old: Snapshot, new: Snapshot) -> None:
        """Decide on a promotion, and die before it is marked."""
        data = {"snapshot": new.id, "from_snapshot": old.id, "request": {}}
        self.journal.append(history.CHANGE_PROPOSED, "c-1", data)
        self.journal.append(history.CHANGE_MOVED, "c-1", {"verdict": "promoted"})

    def found(self, new_edge: dict[str, Any] | None = None) -> tuple[str, str]:
        releases: Any = None
        baseline = Baseline(self.journal, releases, self.store, SETTINGS, new_edge)
        served = asyncio.run(baseline.find(history.read(self.journal.entries())))
        return served.snapshot.id, served.replicas.id


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_replicas_of_before_serve_on_where_only_the_edge_has_changed(world):
    old, new = world.snapshot(), world.snapshot(weights=[2, 1])
    world.mark(old)
    world.mark(new, serving=old.id)
    assert world.found() == (new.id, old.id)


def test_a_promotion_of_the_edge_that_was_decided_keeps_its_replicas(world):
    old, new = world.snapshot(), world.snapshot(weights=[2, 1])
    world.mark(old)
    world.promote(old, new)
    assert world.found() == (new.id, old.id)
    found = history.read(world.journal.entries())
    assert (found.last_good, found.serving) == (new.id, old.id)


def test_a_promotion_of_a_release_that_was_decided_has_its_own(world):
    old, new = world.snapshot(), world.snapshot("other", weights=[2, 1])
    world.mark(old)
    world.promote(old, new)
    assert world.found() == (new.id, new.id)


def test_an_edge_that_was_edited_while_nothing_ran_begins_anew(world):
    old = world.snapshot()
    world.mark(old)
    edge = world.snapshot(listen="127.0.0.1:9000").settings["edge"]
    served, replicas = world.found(edge)
    assert served == replicas != old.id
