"""A guarded system with a quick pace, and a way to make releases for it."""

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ostiary.kernel import processes
from tests.guarded.releases import Fault, make_release
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
    data = tmp_path / "data"
    options = ["--config", str(quick_settings), "--port", str(free_port())]
    try:
        up = run_ostiary("up", "--detach", *options, data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)
        require_nothing_left(data)


@pytest.fixture
def release(guarded: RunningSystem, tmp_path: Path):
    """Return a function that makes a release with faults from the running one."""
    numbers = count(1)

    def make(*faults: Fault) -> Path:
        last_good = guarded.ostiary("status")["last_good"]
        return make_release(guarded.data, last_good, tmp_path / f"release-{next(numbers)}", *faults)

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
