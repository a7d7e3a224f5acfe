"""What stands on disk and is not what is served."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.drift import DriftWatch
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "guard.db", FakeClock())


@pytest.fixture
def releases(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def served(tmp_path: Path, releases: ReleaseStore) -> Snapshot:
    package = tmp_path / "code" / "ostiary"
    (package / "identity").mkdir(parents=True)
    for name in ("__init__.py", "identity/__init__.py", "identity/__main__.py"):
        (package / name).touch()
    release = releases.import_release(package.parent)
    snapshots = SnapshotStore(tmp_path / "snapshots")
    return snapshots.add({"identity": release.hash}, SnapshotSettings().to_snapshot())


@pytest.fixture
def watch(
    tmp_path: Path, served: Snapshot, releases: ReleaseStore, journal: Journal
) -> Callable[[], DriftWatch]:
    (tmp_path / "ostiary.toml").write_text("")
    return DriftWatch(
        tmp_path / "ostiary.toml",
        lambda: served.id,
        snapshots=SnapshotStore(tmp_path / "snapshots"),
        releases=releases,
        journal=journal,
    )


def kinds(journal: Journal) -> list[str]:
    return [entry.kind for entry in journal.entries()]


async def test_a_file_that_says_what_is_served_is_no_drift(watch, journal):
    await watch.look()
    assert (watch.found, kinds(journal)) == ((), [])


async def test_an_edited_file_is_told_by_its_keys_and_journalled_once(watch, journal, tmp_path):
    config = tmp_path / "ostiary.toml"
    config.write_text("[identity]\nsign_up = false\n[guard]\nalpha = 0.01\n")
    await watch.look()
    await watch.look()
    (drift,) = watch.found
    assert (drift.what, drift.where) == ("settings", str(config))
    assert drift.keys == ("identity.sign_up",)
    assert kinds(journal) == ["drift_found"]
    config.write_text("")
    await watch.look()
    assert watch.found == ()
    assert kinds(journal) == ["drift_found", "drift_ended"]


async def test_a_file_that_cannot_be_read_as_settings_says_where(watch, tmp_path):
    (tmp_path / "ostiary.toml").write_text("[identity]\nsign_up = maybe\n")
    await watch.look()
    assert "ostiary.toml:2" in watch.found[0].text
    (tmp_path / "ostiary.toml").unlink()
    await watch.look()
    assert "There is no settings file" in watch.found[0].text


async def test_an_altered_copy_of_the_release_is_told(watch, served, releases):
    copy = releases.get(served.releases["identity"]).directory
    path = copy / "ostiary" / "__init__.py"
    path.chmod(0o644)
    path.write_text("import os\n")
    await watch.look()
    assert [each.what for each in watch.found] == ["release"]
    assert "ostiary/__init__.py" in watch.found[0].text


async def test_a_damaged_snapshot_is_told_and_nothing_else_is_compared(watch, served, tmp_path):
    (tmp_path / "snapshots" / f"{served.id}.json").write_text("{}")
    await watch.look()
    assert [(each.what, each.where) for each in watch.found] == [("snapshot", served.id)]
