"""The users of a drill, as who started them sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.drills.facts import DrillFacts
from ostiary.drills.ledger import LedgerWriter, Run
from ostiary.drills.scoring import score
from ostiary.drills.traffic_process import Traffic
from ostiary.kernel.clock import SystemClock

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"


def test_users_who_wait_for_ever_are_cut_off_and_their_drill_is_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ostiary.drills.traffic_process._STOP_SECONDS_MAX", 0.2)
    ledger = tmp_path / "ledger.jsonl"
    with LedgerWriter(ledger, Run(0.0, 1.0, 60.0, 7, 1)):
        pass
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()

        read = Traffic(process, ledger, tmp_path / "log", SystemClock()).stop()

        assert process.returncode is not None
    assert read.ended_at is None
    assert score(read, DrillFacts("d", "guarded", fault_at=1.0)).void
