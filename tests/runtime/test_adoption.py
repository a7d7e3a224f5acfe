"""A guard that dies at any moment leaves no replica behind that the next one does not know."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.kernel.processes import identify, is_alive, send_signal
from ostiary.runtime.process_table import command_lines
from tests.runtime.conftest import stop, wait_ready

DYING_GUARD = '''\
"""Start one replica and die by SIGKILL at the given point."""

import json
import os
import signal
import sys
from pathlib import Path

from ostiary.kernel.clock import SystemClock
from ostiary.runtime import local
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.ports import ReplicaSpec
from ostiary.runtime.releases import ReleaseStore
from ostiary.runtime.replica_files import ReplicaFiles

point = sys.argv[1]
data = DataDirectory(Path(sys.argv[2]))
spec = ReplicaSpec(**json.loads(sys.argv[3]))


def dying(owner, name, when):
    original = getattr(owner, name)

    def wrapped(*arguments, **keywords):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        value = original(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)
        return value

    setattr(owner, name, wrapped)


if point == "before the record":
    dying(ReplicaFiles, "write_record", "before")
elif point == "after the record":
    dying(ReplicaFiles, "write_config", "before")
elif point == "before the process":
    dying(local, "spawn", "before")
elif point == "after the process":
    dying(local, "spawn", "after")
runtime = local.LocalRuntime(
    data.path,
    ReleaseStore(data.releases),
    clock=SystemClock(),
    admin_token_file=data.admin_token_file,
    edge_token_file=data.edge_token_file,
    store_key_file=data.store_key_file,
)
runtime.start(spec)
os.kill(os.getpid(), signal.SIGKILL)
'''


def die_while_starting(place, point):
    spec = place.spec()
    content = {name: getattr(spec, name) for name in spec.__slots__}
    argv = [sys.executable, "-c", DYING_GUARD, point, str(place.data.path), json.dumps(content)]
    result = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    return spec


def replica_processes(place):
    prefix = str(place.data.path.resolve())
    return [process for process, argv in command_lines() if argv[-1].startswith(prefix)]


def files(place):
    return sorted(path.name for path in (place.data.path / "replicas").iterdir())


@pytest.mark.parametrize("point", ["after the process", "after the start"])
def test_a_replica_whose_guard_died_is_adopted_and_can_be_stopped(place, point):
    spec = die_while_starting(place, point)
    runtime = place.runtime()

    (replica,) = runtime.adopt()
    wait_ready(runtime, replica)

    assert replica.name == spec.name
    assert replica.snapshot == spec.snapshot
    assert [replica.process] == replica_processes(place)
    assert place.runtime().adopt() == [replica]
    stop(runtime, replica)
    assert replica_processes(place) == []


@pytest.mark.parametrize("point", ["before the record", "after the record", "before the process"])
def test_a_replica_that_was_never_started_is_forgotten(place, point):
    die_while_starting(place, point)

    assert place.runtime().adopt() == []
    assert files(place) == []


def test_running_replicas_are_adopted_oldest_first_and_dead_ones_forgotten(place, eventually):
    runtime = place.runtime()
    replicas = [place.started() for _ in range(3)]
    send_signal(replicas[1].process, signal.SIGKILL)
    eventually(lambda: not runtime.alive(replicas[1]))

    adopted = place.runtime().adopt()

    assert adopted == [replicas[0], replicas[2]]
    assert f"{replicas[1].name}.json" not in files(place)
    assert f"{replicas[1].name}.config.json" not in files(place)
    assert f"{replicas[1].name}.log" in files(place)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": 5}', b"\xff"])
def test_a_replica_with_a_damaged_record_does_not_run_on_unknown(place, eventually, content):
    replica = place.started()
    (place.data.path / "replicas" / f"{replica.name}.json").write_bytes(content)

    assert place.runtime().adopt() == []

    eventually(lambda: not is_alive(replica.process))
    assert files(place) == [f"{replica.name}.log"]


def test_a_replica_without_any_record_does_not_run_on_unknown(place, eventually):
    replica = place.started()
    (place.data.path / "replicas" / f"{replica.name}.json").unlink()

    assert place.runtime().adopt() == []

    eventually(lambda: not is_alive(replica.process))


def test_what_a_dead_replica_has_started_is_ended_at_adoption(place, eventually):
    runtime = place.runtime()
    replica = place.started("has-children")
    (child_line,) = [line for line in runtime.log_tail(replica) if line.startswith("child")]
    child = identify(int(child_line.split()[1]))
    send_signal(replica.process, signal.SIGKILL)
    eventually(lambda: not runtime.alive(replica))

    place.runtime().adopt()

    eventually(lambda: not is_alive(child))


def test_an_editor_that_has_a_configuration_open_is_not_taken_for_a_replica(place):
    replica = place.started()
    config = place.data.path / "replicas" / f"{replica.name}.config.json"
    viewer = subprocess.Popen(["tail", "-f", str(config)], stdout=subprocess.DEVNULL)
    stop(place.runtime(), replica)

    assert place.runtime().adopt() == []

    assert viewer.poll() is None
    viewer.kill()
    viewer.wait()


def test_the_replicas_of_another_data_directory_are_left_alone(place, tmp_path):
    replica = place.started()
    (tmp_path / "other").mkdir()
    other = place.__class__(
        place.data.__class__(tmp_path / "other"), place.releases, place.numbers, place.scratch
    )

    assert other.runtime().adopt() == []

    assert place.runtime().alive(replica)


def test_half_written_files_of_a_crash_are_removed(place):
    leftover = place.data.path / "replicas" / ".identity-9.config.json.abc123"
    leftover.write_text("postgresql://user:secret@db/")

    place.runtime().adopt()

    assert files(place) == []


def test_a_log_is_redacted_also_for_the_guard_that_adopts(place):
    replica = place.started()
    Path(replica.log).write_text("password is p@ssw0rd\n")
    runtime = place.runtime()

    runtime.adopt()

    assert runtime.log_tail(replica) == ["password is ***"]
