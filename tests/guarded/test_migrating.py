"""Migrations by several replicas at once, and by one that is killed in the middle of it."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import anyio
import pytest
from sqlalchemy import create_engine, inspect

from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.ports import Replica, ReplicaSpec
from ostiary.runtime.releases import ReleaseStore
from tests.guarded.upgrades import held_up, write_next_release
from tests.guarded.waiting import wait_for
from tests.local_runtime import local_runtime

pytestmark = pytest.mark.system
READY_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Replicas:
    """Replicas of the next release on one store."""

    runtime: LocalRuntime
    release: str
    database_url: str
    runs: Path
    numbers: Iterator[int]

    def start(self) -> Replica:
        return self.runtime.start(
            ReplicaSpec(
                service="identity",
                name=f"identity-{next(self.numbers)}",
                snapshot="s-0123456789ab",
                release=self.release,
                settings=SnapshotSettings().to_snapshot()["identity"],
                flags={},
                issuer="http://127.0.0.1:8000",
                database_url=self.database_url,
                status_url="",
            )
        )

    def wait_ready(self, *replicas: Replica) -> None:
        for replica in replicas:
            anyio.run(self.runtime.wait_ready, replica, READY_SECONDS_MAX)

    def migrated_by(self) -> list[int]:
        return [int(line) for line in self.runs.read_text().split()] if self.runs.exists() else []


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replicas]:
    data = DataDirectory(tmp_path / "data")
    data.prepare(SystemRandom())
    runs = tmp_path / "runs"
    path = write_next_release(tmp_path / "next", runs, seconds=1.0)
    release = ReleaseStore(data.releases).import_release(path)
    url = f"sqlite:///{tmp_path / 'identity.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url").replace("+psycopg", "")
    runtime = local_runtime(data)
    yield Replicas(runtime, release.hash, url, runs, count())
    for replica in runtime.adopt():
        anyio.run(runtime.stop, replica, 0)


def tables(replicas: Replicas) -> set[str]:
    engine = create_engine(replicas.database_url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_of_replicas_that_start_at_once_exactly_one_migrates(replicas):
    with ThreadPoolExecutor(4) as pool:
        started = [each.result() for each in [pool.submit(replicas.start) for _ in range(4)]]
    replicas.wait_ready(*started)
    assert len(replicas.migrated_by()) == 1
    assert len({each.port for each in started}) == len(started)


def test_after_a_death_in_mid_migration_another_replica_migrates_all_of_it(replicas):
    held_up(replicas.runs).touch()
    first = replicas.start()
    (pid,) = wait_for(replicas.migrated_by, "the start of the migration")
    second = replicas.start()
    os.kill(pid, signal.SIGKILL)
    held_up(replicas.runs).unlink()
    replicas.wait_ready(second)
    assert len(replicas.migrated_by()) == 2
    assert "first_half" in tables(replicas)
    assert not replicas.runtime.alive(first)


def test_a_death_in_mid_migration_leaves_nothing_half_done(replicas):
    held_up(replicas.runs).touch()
    replicas.start()
    (pid,) = wait_for(replicas.migrated_by, "the start of the migration")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}/exe").exists(), "its end")
    assert not tables(replicas) & {"first_half", "sessions", "alembic_version"}
