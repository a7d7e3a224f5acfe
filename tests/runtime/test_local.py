"""Local replicas: started, waited for, stopped in order, and never mistaken for another process."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.processes import identify, is_alive, send_signal
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError
from ostiary.runtime.releases import ReleaseAlteredError
from tests.runtime.conftest import stop, wait_ready


def files_of(place, name):
    return {path.name for path in (place.data.path / "replicas").glob(f"*{name}*")}


def failure_of(place, behaviour, seconds_max=60.0):
    runtime = place.runtime()
    replica = runtime.start(place.spec(behaviour))
    with pytest.raises(ReplicaFailedError) as caught:
        wait_ready(runtime, replica, seconds_max)
    return caught.value, replica


def test_a_replica_answers_under_its_name_when_it_is_ready(place):
    replica = place.started()

    answer = httpx.get(f"http://127.0.0.1:{replica.health_port}/live", trust_env=False).json()

    assert answer["name"] == replica.name
    assert answer["pid"] == replica.process.pid
    assert place.runtime().alive(replica)
    assert replica.started_at.endswith("Z")


def test_a_replica_gets_its_configuration_in_a_file_that_only_the_owner_can_read(place):
    runtime = place.runtime()
    spec = place.spec()
    replica = runtime.start(spec)

    file = place.data.path / "replicas" / f"{spec.name}.config.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "name": spec.name,
        "snapshot": spec.snapshot,
        "host": "127.0.0.1",
        "port": replica.port,
        "health_port": replica.health_port,
        "database_url": spec.database_url,
        "issuer": spec.issuer,
        "status_url": "",
        "admin_token_file": str(place.data.admin_token_file),
        "edge_token_file": str(place.data.edge_token_file),
        "store_key_file": str(place.data.store_key_file),
        "settings": {"threads": 4},
        "flags": {"new": True},
    }


def test_no_secret_stands_in_arguments_environment_or_record(place, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "from-the-environment")
    replica = place.started()
    process = Path(f"/proc/{replica.process.pid}")
    record = place.data.path / "replicas" / f"{replica.name}.json"

    seen = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    seen += record.read_bytes()

    for secret in (
        b"p%40ssw0rd",
        b"p@ssw0rd",
        b"from-the-environment",
        place.data.admin_token_file.read_bytes(),
        place.data.edge_token_file.read_bytes(),
        place.data.store_key_file.read_bytes(),
    ):
        assert secret not in seen


def test_a_replica_runs_from_the_copy_of_its_release_and_leaves_it_as_it_was(place):
    replica = place.started()
    release = place.releases.get(replica.release)

    assert Path(f"/proc/{replica.process.pid}/cwd").resolve() == release.directory
    assert place.releases.verify(replica.release) == []


def test_a_replica_is_in_a_session_of_its_own(place):
    replica = place.started()

    assert os.getsid(replica.process.pid) == replica.process.pid


def test_replicas_get_different_ports(place):
    runtime = place.runtime()
    replicas = [runtime.start(place.spec()) for _ in range(3)]

    ports = [port for r in replicas for port in (r.port, r.health_port)]
    for replica in replicas:
        wait_ready(runtime, replica)

    assert len(set(ports)) == 6


def test_stopping_lets_the_replica_drain_and_forgets_it_but_its_log(place):
    runtime = place.runtime()
    replica = place.started()

    stop(runtime, replica)

    assert not runtime.alive(replica)
    assert runtime.log_tail(replica) == ["serving", "drained"]
    assert files_of(place, replica.name) == {f"{replica.name}.log"}


def test_a_replica_that_ignores_sigterm_is_killed(place, eventually):
    runtime = place.runtime()
    replica = place.started("ignores-sigterm")
    # Within the time that it gets below, a replica that stands still could not say so.
    send_signal(replica.process, signal.SIGTERM)
    eventually(lambda: "not now" in runtime.log_tail(replica))

    stop(runtime, replica, 0.2)

    assert not runtime.alive(replica)


def test_stopping_without_patience_kills_at_once(place):
    runtime = place.runtime()
    replica = place.started("ignores-sigterm")

    stop(runtime, replica, 0)

    assert not runtime.alive(replica)


def test_stopping_twice_and_stopping_the_dead_is_no_error(place, eventually):
    runtime = place.runtime()
    replica = place.started()
    send_signal(replica.process, signal.SIGKILL)
    eventually(lambda: not runtime.alive(replica))

    stop(runtime, replica)
    stop(runtime, replica)

    assert files_of(place, replica.name) == {f"{replica.name}.log"}


@pytest.mark.parametrize("leader_dies_first", [True, False])
def test_what_a_replica_has_started_itself_ends_with_it(place, eventually, leader_dies_first):
    runtime = place.runtime()
    replica = place.started("has-children")
    (child_line,) = [line for line in runtime.log_tail(replica) if line.startswith("child")]
    child = identify(int(child_line.split()[1]))
    if leader_dies_first:
        send_signal(replica.process, signal.SIGKILL)
        eventually(lambda: not runtime.alive(replica))

    stop(runtime, replica)

    eventually(lambda: not is_alive(child))


def test_a_release_that_exits_is_told_with_its_last_words(place):
    failure, replica = failure_of(place, "exits")

    assert failure.reason is FailureReason.EXITED
    assert failure.code == "replica_exited"
    assert failure.exit_code is ExitCode.REHEARSAL_FAILED
    assert failure.log_lines == ["warming up", "error: the signing key is missing"]
    assert failure.message.endswith("Its last words: error: the signing key is missing")
    assert str(replica.log) in failure.hint


def test_a_release_that_is_never_ready_is_told_as_too_slow_and_left_to_the_caller(place):
    failure, replica = failure_of(place, "never-ready", 1.5)

    assert failure.reason is FailureReason.TOO_SLOW
    assert "1.5 s" in failure.message
    assert place.runtime().alive(replica)


def test_a_replica_that_says_itself_that_it_will_take_longer_is_not_waited_for(place):
    failure, replica = failure_of(place, "waits", 30)

    assert failure.reason is FailureReason.NOT_YET
    assert failure.code == "replica_not_yet"
    said = r"Snapshot \S+ cannot be served yet\. No key has been published\. It can from 20\S+Z on"
    assert re.fullmatch(said + r", in \d+ s\.", failure.message), failure.message
    assert place.runtime().alive(replica)


def test_an_answer_under_another_name_is_not_the_replicas(place):
    failure, _ = failure_of(place, "impostor", 1.5)

    assert failure.reason is FailureReason.TOO_SLOW


def test_a_port_that_another_process_took_first_is_told_as_such(place):
    runtime = place.runtime()
    spec = place.spec()
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        taken = foreign.getsockname()[1]
        replica = start_on_port(runtime, spec, taken)

        with pytest.raises(ReplicaFailedError) as caught:
            wait_ready(runtime, replica)

    assert caught.value.reason is FailureReason.PORT_TAKEN


def start_on_port(runtime, spec, health_port):
    """Start a replica on a port that was free when it was chosen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ostiary.runtime.local.choose_ports", lambda *_, **__: [health_port, health_port]
        )
        return runtime.start(spec)


def test_secrets_that_a_release_writes_into_its_log_are_not_shown(place):
    failure, replica = failure_of(place, "leaks")
    shown = f"{failure} {failure.detail} {failure.log_lines} {place.runtime().log_tail(replica)}"

    for secret in (
        "p%40ssw0rd",
        "p@ssw0rd",
        place.data.admin_token_file.read_text(),
        place.data.edge_token_file.read_text(),
    ):
        assert secret not in shown
    assert "postgresql://ostiary:***@db.example/ostiary" in shown
    assert "\x1b" not in shown


def test_an_unknown_release_is_wrong_usage_and_nothing_is_started(place):
    runtime = place.runtime()

    with pytest.raises(UsageError) as caught:
        runtime.start(place.spec(release="f" * 64))

    assert caught.value.code == "release_not_found"
    assert files_of(place, "identity") == set()


def test_an_altered_release_is_not_started(place):
    spec = place.spec()
    file = place.releases.get(spec.release).directory / "ostiary" / "identity" / "__main__.py"
    file.chmod(0o600)
    file.write_text("print('something else')")

    with pytest.raises(ReleaseAlteredError) as caught:
        place.runtime().start(spec)

    assert "ostiary/identity/__main__.py" in caught.value.message
    assert files_of(place, "identity") == set()


def test_a_missing_interpreter_is_told_and_leaves_nothing(place):
    runtime = LocalRuntime(
        place.data.path,
        place.releases,
        clock=place.runtime()._clock,
        admin_token_file=place.data.admin_token_file,
        edge_token_file=place.data.edge_token_file,
        store_key_file=place.data.store_key_file,
        python=Path("/nowhere/python"),
    )

    with pytest.raises(ReplicaFailedError) as caught:
        runtime.start(place.spec())

    assert caught.value.reason is FailureReason.NOT_STARTED
    assert {name for name in files_of(place, "identity") if not name.endswith(".log")} == set()


@pytest.mark.parametrize("name", ["../identity", "", "a/b", ".hidden", "a.config"])
def test_a_name_that_is_no_file_name_is_refused(place, name):
    with pytest.raises(UsageError):
        place.runtime().start(place.spec(name=name))


def test_a_name_is_used_once(place):
    replica = place.started()

    with pytest.raises(UsageError) as caught:
        place.runtime().start(place.spec(name=replica.name))

    assert caught.value.code == "replica_exists"
    assert place.runtime().alive(replica)


@pytest.fixture
def bystander():
    """A process that has nothing to do with Ostiary."""
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    process = subprocess.Popen(argv, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("changes", [{"start_ticks": 1}, {"boot_id": "another boot"}])
def test_a_process_that_got_the_number_of_a_dead_replica_is_left_alone(
    place, eventually, bystander, changes
):
    runtime = place.runtime()
    replica = place.started()
    send_signal(replica.process, signal.SIGKILL)
    eventually(lambda: not runtime.alive(replica))
    reused = replace(replica, process=replace(identify(bystander.pid), **changes))
    record = place.data.path / "replicas" / f"{replica.name}.json"
    record.write_text(json.dumps(reused.to_json()))

    assert not runtime.alive(reused)
    assert runtime.adopt() == []
    stop(runtime, reused, 0.2)

    assert bystander.poll() is None


def test_the_logs_of_the_newest_fifty_replicas_are_kept(place):
    directory = place.data.path / "replicas"
    for number in range(60):
        log = directory / f"old-{number:02}.log"
        log.write_text("x")
        os.utime(log, (number, number))
    running = place.started()
    stopped = place.started()

    stop(place.runtime(), stopped)

    logs = sorted(path.stem for path in directory.glob("*.log"))
    assert logs == sorted([running.name, stopped.name, *(f"old-{n:02}" for n in range(11, 60))])


def test_a_replica_survives_json(place):
    replica = place.started()

    assert Replica.from_json(json.loads(json.dumps(replica.to_json()))) == replica
