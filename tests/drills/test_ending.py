"""A drill that is told to end stops what it has started."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.guarded.conftest import require_nothing_left
from tests.guarded.waiting import wait_for

pytestmark = pytest.mark.system

STARTED = """
import time
from ostiary.drills.system import running
with running("") as system:
    print(system.data, flush=True)
    time.sleep(600)
"""


def test_on_sigterm_a_drill_stops_its_system_and_removes_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTED], stdout=subprocess.PIPE) as drill:
        assert drill.stdout is not None
        data = Path(drill.stdout.readline().decode().strip())
        assert data.name == "data"

        drill.send_signal(signal.SIGTERM)

        assert drill.wait(90) == 128 + signal.SIGTERM
    assert not data.parent.exists()
    require_nothing_left(data)


BEING_STOPPED = """
from ostiary.drills.system import running
with running("") as system:
    print(system.data, flush=True)
"""


def test_a_signal_does_not_break_off_the_stopping() -> None:
    with subprocess.Popen([sys.executable, "-c", BEING_STOPPED], stdout=subprocess.PIPE) as drill:
        assert drill.stdout is not None
        data = Path(drill.stdout.readline().decode().strip())
        wait_for(lambda: is_being_stopped(data), "the drill stops its system")

        drill.send_signal(signal.SIGTERM)

        assert drill.wait(90) == 128 + signal.SIGTERM
    assert not data.parent.exists()
    require_nothing_left(data)


def is_being_stopped(data: Path) -> bool:
    """Return whether `ostiary down` runs for a data directory."""
    wanted = [b"down", b"--data", str(data).encode()]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            parts = path.read_bytes().split(b"\0")
            if parts[4:7] == wanted:
                return True
    return False
