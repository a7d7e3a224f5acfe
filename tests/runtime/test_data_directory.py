"""A data directory is made once, belongs to one guard, and is not mistaken for anything else."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from ostiary import __version__
from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.ids import SeededRandom, SystemRandom
from ostiary.kernel.processes import identify
from ostiary.runtime.data_directory import DataDirectory, write_trace

NOBODY = 65534

HOLDER = """\
import sys, time
from pathlib import Path
from ostiary.runtime.data_directory import DataDirectory
with DataDirectory(Path(sys.argv[1])).acquire():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def data(tmp_path):
    data = DataDirectory(tmp_path / "ostiary-data")
    data.prepare(SeededRandom(1))
    return data


@pytest.fixture
def holder(data):
    """Another process that is the guard of the directory."""
    argv = [sys.executable, "-c", HOLDER, str(data.path)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def refused(path):
    with pytest.raises(UsageError) as caught:
        DataDirectory(path).prepare(SystemRandom())
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_new_directory_is_closed_to_others_and_says_who_wrote_it(data):
    assert mode(data.path) == 0o700
    assert json.loads((data.path / "layout.json").read_text()) == {
        "layout": 1,
        "written_by": __version__,
    }
    for name in ("secrets", "releases", "snapshots", "replicas", "edge", "traces"):
        assert mode(data.path / name) == 0o700


def test_a_directory_is_new_until_a_guard_has_begun_its_journal(tmp_path):
    data = DataDirectory(tmp_path / "data")
    assert data.is_new
    data.prepare(SystemRandom())
    assert data.is_new
    data.journal.touch()
    assert not data.is_new
    assert DataDirectory(tmp_path / ("x" * 300)).is_new, "no file can have such a name"


def test_directories_above_are_made_as_well(tmp_path):
    DataDirectory(tmp_path / "a" / "b" / "c").prepare(SystemRandom())

    assert (tmp_path / "a" / "b" / "c" / "layout.json").is_file()


def test_the_secrets_are_long_different_and_closed_to_others(data):
    admin, edge = (f.read_text() for f in (data.admin_token_file, data.edge_token_file))

    assert admin != edge
    assert len(admin) >= 32
    assert admin.strip() == admin
    assert mode(data.admin_token_file) == mode(data.edge_token_file) == 0o600


def test_preparing_again_changes_nothing(data):
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in data.path.rglob("*.*")}

    data.prepare(SystemRandom())

    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in data.path.rglob("*.*")} == before


def test_what_is_missing_is_made_and_open_permissions_are_closed(data):
    data.edge_token_file.unlink()
    admin = data.admin_token_file.read_text()
    (data.path / "traces").rmdir()
    data.path.chmod(0o755)

    data.prepare(SystemRandom())

    assert data.edge_token_file.read_text()
    assert data.admin_token_file.read_text() == admin
    assert mode(data.path) == 0o700
    assert (data.path / "traces").is_dir()


def test_an_empty_directory_becomes_one_also_on_a_volume_of_its_own(tmp_path):
    (tmp_path / "volume" / "lost+found").mkdir(parents=True)

    DataDirectory(tmp_path / "volume").prepare(SystemRandom())

    assert DataDirectory(tmp_path / "volume").check()


def test_a_crash_before_the_layout_was_written_is_no_obstacle(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".layout.json.abc123").write_text("{")

    DataDirectory(tmp_path / "data").prepare(SystemRandom())


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    tmp_path.chmod(0o755)

    assert refused(tmp_path).code == "data_directory_foreign"

    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    assert mode(tmp_path) == 0o755


def test_a_newer_layout_is_refused_with_both_versions_and_what_to_do(data):
    (data.path / "layout.json").write_text('{"layout": 7, "written_by": "3.2.1"}')

    error = refused(data.path)

    assert error.code == "data_directory_newer"
    assert "Ostiary 3.2.1 (layout 7)" in error.message
    assert f"Ostiary {__version__}, which knows layout 1" in error.message
    assert "3.2.1" in error.hint


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"layout": "x", "written_by": 1}', "\0"])
def test_a_layout_that_cannot_be_understood_is_refused(data, content):
    (data.path / "layout.json").write_text(content)

    assert refused(data.path).code == "data_directory_damaged"


def test_a_file_is_no_data_directory(tmp_path):
    (tmp_path / "file").write_text("x")

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        error = refused(path)
        assert error.code == "data_directory_not_usable"
        assert "file" in error.message
        with pytest.raises(UsageError):
            DataDirectory(path).check()


def prepared_by_another_user(data):
    """Return what preparing says to a user without rights; root becomes one in a child process."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        try:
            data.prepare(SystemRandom())
            answer = "no error"
        except UsageError as error:
            answer = f"{error.code}: {error.message}"
        os.write(write_end, answer.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


def test_a_directory_that_this_user_may_not_write_is_refused(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)

    answers = [
        prepared_by_another_user(DataDirectory(tmp_path / "closed" / "data")),
        prepared_by_another_user(DataDirectory(tmp_path / "closed")),
    ]

    for answer in answers:
        assert answer.startswith("data_directory_not_usable")
        assert "this user may not" in answer


def test_a_second_guard_is_told_which_process_is_the_first(data, holder):
    with pytest.raises(UsageError) as caught, data.acquire():
        pass

    assert caught.value.code == "guard_already_runs"
    assert caught.value.message == f"A guard (pid {holder.pid}) already runs on {data.path}."
    assert data.running_guard() == identify(holder.pid)


def test_the_lock_of_a_killed_guard_is_free(data, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    assert data.running_guard() is None
    with data.acquire():
        assert data.running_guard() == identify(os.getpid())
    assert data.running_guard() is None


def test_within_one_process_there_is_one_guard_too(data):
    with data.acquire(), pytest.raises(UsageError), DataDirectory(data.path).acquire():
        pass
    with data.acquire():
        pass


def test_a_process_that_the_guard_starts_does_not_inherit_the_lock(data):
    with data.acquire():
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with data.acquire():
            pass
    finally:
        child.communicate()


def test_a_lock_on_a_read_only_file_system_is_held_without_a_word_by_whom(data, monkeypatch):
    """What runs there must be stopped before the disk can be mended."""
    with data.acquire():
        pass
    original = os.open

    def read_only(path, flags, *mode):
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return original(path, flags, *mode)

    monkeypatch.setattr(os, "open", read_only)
    with data.acquire():
        assert data.running_guard() is None
        with pytest.raises(UsageError) as second, data.acquire():
            pass
    assert second.value.code == "guard_already_runs"
    (data.path / "guard.lock").unlink()
    with pytest.raises(UsageError) as missing, data.acquire():
        pass
    assert missing.value.code == "data_directory_not_usable"


def test_a_lock_in_what_is_no_data_directory_is_refused_and_nothing_is_made(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError) as caught, DataDirectory(path).acquire():
            pass
        assert caught.value.code == "data_directory_missing"
    assert list(tmp_path.iterdir()) == []


def test_no_guard_runs_where_nobody_ever_held_the_lock(data, tmp_path):
    assert data.running_guard() is None
    assert DataDirectory(tmp_path / "missing").running_guard() is None


def connect():
    raise ValueError("postgresql://ostiary:hunter22@db/ostiary refused")


def failed_connection():
    with pytest.raises(ValueError, match="refused") as caught:
        connect()
    return caught.value


def test_a_trace_names_the_bug_and_hides_passwords(data):
    trace = data.write_trace(failed_connection())

    assert trace.parent == data.path / "traces"
    assert mode(trace) == 0o600
    assert "in connect" in trace.read_text()
    assert "ValueError: postgresql://ostiary:***@db/ostiary refused" in trace.read_text()
    assert __version__ in trace.read_text()


def test_two_traces_are_two_files(data):
    assert data.write_trace(failed_connection()) != data.write_trace(failed_connection())


def test_a_trace_that_cannot_be_written_is_no_second_error(tmp_path):
    assert write_trace(tmp_path, failed_connection()) is None
    assert write_trace(tmp_path / "missing", failed_connection()) is None
    assert list(tmp_path.iterdir()) == []
