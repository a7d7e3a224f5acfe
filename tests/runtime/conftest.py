"""A data directory with real replicas, none of which outlives its test."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import anyio
import pytest

from ostiary.kernel.ids import SystemRandom
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.ports import Replica, ReplicaSpec
from ostiary.runtime.releases import ReleaseStore
from tests.local_runtime import local_runtime
from tests.runtime.fake_release import write_release

READY_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Place:
    """One data directory as a guard uses it."""

    data: DataDirectory
    releases: ReleaseStore
    numbers: Iterator[int]
    scratch: Path

    def runtime(self) -> LocalRuntime:
        """Return a runtime as a guard makes it at its start."""
        return local_runtime(self.data)

    def spec(self, behaviour: str = "serves", **changes: object) -> ReplicaSpec:
        """Return what to start: a new replica of a release that behaves so."""
        number = next(self.numbers)
        path = write_release(self.scratch / f"release-{number}", behaviour)
        spec = ReplicaSpec(
            service="identity",
            name=f"identity-{number}",
            snapshot="s-0123456789ab",
            release=self.releases.import_release(path).hash,
            settings={"threads": 4},
            flags={"new": True},
            issuer="http://127.0.0.1:8000",
            database_url="postgresql://ostiary:p%40ssw0rd@db.example/ostiary",
            status_url="",
        )
        return replace(spec, **changes)

    def started(self, behaviour: str = "serves") -> Replica:
        """Return a replica that runs and is ready."""
        runtime = self.runtime()
        replica = runtime.start(self.spec(behaviour))
        wait_ready(runtime, replica)
        return replica


def wait_ready(runtime: LocalRuntime, replica: Replica, seconds_max: float = READY_SECONDS_MAX):
    anyio.run(runtime.wait_ready, replica, seconds_max)


def stop(runtime: LocalRuntime, replica: Replica, seconds_max: float = READY_SECONDS_MAX):
    anyio.run(runtime.stop, replica, seconds_max)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    data = DataDirectory(tmp_path / "ostiary-data")
    data.prepare(SystemRandom())
    place = Place(data, ReleaseStore(data.releases), count(), tmp_path)
    yield place
    runtime = place.runtime()
    for replica in runtime.adopt():
        stop(runtime, replica, 0)


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds; fail when it does not come to that."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come to hold"
            time.sleep(0.02)

    return wait
