"""A guarded system with a quick pace, and a way to make releases for it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from ostiary.kernel import processes
from tests.guarded.releases import Fault, ReleaseMaker, make_release
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

QUICK = """
[guard]
steps = [10, 50, 100]
step_seconds_min = 1.0
bake_seconds = 2.0
rehearsal_start_seconds_max = 15.0
"""


@pytest.fixture
def quick_settings(tmp_path: Path) -> Path:
    path = tmp_path / "ostiary.toml"
    path.write_text(QUICK)
    return path


@pytest.fixture
def guarded(tmp_path: Path, quick_settings: Path) -> Iterator[RunningSystem]:
    """A system of the test's own; nothing of it is left behind."""
    with running_with(quick_settings, tmp_path / "data") as system:
        yield system


@contextmanager
def running_quick(directory: Path) -> Iterator[tuple[RunningSystem, Path]]:
    """Run a system for several tests, each of which leaves it whole; with its settings file."""
    settings = directory / "ostiary.toml"
    settings.write_text(QUICK)
    with running_with(settings, directory / "data") as system:
        yield system, settings


@pytest.fixture
def release(guarded: RunningSystem, tmp_path: Path) -> ReleaseMaker:
    """Return a function that makes a release with faults from the running one."""
    return maker_of_releases(guarded, tmp_path)


@contextmanager
def running_with(settings: Path, data: Path) -> Iterator[RunningSystem]:
    """Run a system while the block runs; fail when a process of it is left afterwards."""
    options = ["--config", str(settings), "--port", str(free_port())]
    try:
        up = run_ostiary("up", "--detach", *options, data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


def maker_of_releases(system: RunningSystem, directory: Path) -> ReleaseMaker:
    """Return a function that makes releases with faults from the one that serves."""
    numbers = count(1)

    def make(*faults: Fault) -> Path:
        last_good = system.status()["last_good"]
        return make_release(system.data, last_good, directory / f"release-{next(numbers)}", *faults)

    return make


def require_nothing_left(data: Path) -> None:
    """Fail, and clean up, when a process of the data directory outlives `ostiary down`."""
    left = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(data) in command:
            left.append((int(entry.name), command))
    for pid, _ in left:
        record = processes.identify(pid)
        if record is not None and pid != os.getpid():
            processes.send_signal(record, signal.SIGKILL)
    assert not left, f"left behind: {left}"
