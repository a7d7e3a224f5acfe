"""A drill that is told to end stops what it has started."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guarded.conftest import require_nothing_left

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
