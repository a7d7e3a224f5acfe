"""What `ostiary up` says to a store or journal that it cannot use; both stay as they are."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.kernel import processes
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.data_directory import DataDirectory
from tests.system import call_ostiary, free_port, run_ostiary

pytestmark = pytest.mark.system

PASSWORD = "a-password-nobody-may-see"


def refused(data: Path, *options: str) -> tuple[int, dict[str, str], str]:
    """Return exit code, error and everything that was said."""
    result = call_ostiary("up", "--detach", "--port", str(free_port()), *options, data=data)
    assert result.returncode != 0, result.stdout
    said = result.stdout + result.stderr + (data / "guard.log").read_text()
    return result.returncode, json.loads(result.stdout)["error"], said


def test_a_database_that_nobody_serves(tmp_path):
    url = f"postgresql://ostiary:{PASSWORD}@127.0.0.1:{free_port()}/ostiary"
    code, error, said = refused(tmp_path / "data", "--database", url)
    assert (code, error["code"]) == (3, "store_unusable")
    assert "Connection refused" in error["message"]
    assert PASSWORD not in said


def test_a_journal_that_was_cut_is_refused_and_left_as_it_is(tmp_path):
    """History is not begun anew behind anybody's back."""

    data = tmp_path / "data"
    DataDirectory(data).prepare(SystemRandom())
    file = data / "guard.db"
    with closing(Journal(file, SystemClock())) as journal:
        for number in range(200):
            journal.append("note", None, {"text": f"{number} " * 50})
    content = file.read_bytes()[: file.stat().st_size * 2 // 3 + 100]
    file.write_bytes(content)
    _, error, _ = refused(data)
    assert str(file) in error["message"]
    assert "backup" in error["hint"]
    assert file.read_bytes() == content


def test_what_runs_can_be_stopped_when_its_records_are_damaged(tmp_path):
    data = tmp_path / "data"
    up = run_ostiary("up", "--detach", "--port", str(free_port()), data=data)
    running = [processes.identify(each["pid"]) for each in (*up["edge"], *up["replicas"])]
    assert None not in running
    keeper = json.loads((data / "keeper.json").read_text())["pid"]
    for pid in (keeper, up["guard_pid"]):
        os.kill(pid, signal.SIGKILL)
    (data / "guard.db").write_bytes(b"no journal at all" * 1000)
    for snapshot in (data / "snapshots").iterdir():
        snapshot.chmod(0o600)
        snapshot.write_text("{")
    stopped = call_ostiary("down", data=data)
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert not [record for record in running if processes.is_alive(record)]
