"""Replicas of services that know nothing of Ostiary: real small programs, the bad ones too."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.processes import identify, is_alive, send_signal
from ostiary.runtime.listening_ports import listening_ports
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError, ReplicaSpec
from tests.runtime.conftest import Place, stop, wait_ready
from tests.runtime.test_adoption import DYING_GUARD

SERVER = """\
import json, os, signal, socketserver, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

behaviour, port = sys.argv[1], int(sys.argv[2])
if behaviour == "ignores-sigterm":
    signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
if behaviour == "has-children":
    print("child", subprocess.Popen(["sleep", "600"]).pid, flush=True)
if behaviour == "other-port":
    port = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        healthy = behaviour != "unhealthy"
        self.send_response(204 if healthy and self.path == "/health" else 500)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer((os.environ["OSTIARY_HOST"], port), Handler)
print("listening on", server.server_address[1], flush=True)
if behaviour == "own-health-port":
    own = ThreadingHTTPServer(("127.0.0.1", int(os.environ["OSTIARY_HEALTH_PORT"])), Handler)
    threading.Thread(target=own.serve_forever, daemon=True).start()
if behaviour == "drains":
    stopping = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stopping)
server.serve_forever(0.02)
print("drained", flush=True)
"""
SETTINGS = {
    "routes": ["/orders"],
    "strip_prefix": False,
    "replicas": 1,
    "health": "/health",
    "health_port": False,
    "environment": {},
    "pass_environment": [],
    "timeout_seconds": 15.0,
    "start_seconds_max": 30.0,
    "memory_max_mib": 512,
}
PYTHON = [sys.executable, "server.py"]


@pytest.fixture
def release(place: Place, tmp_path: Path) -> str:
    source = tmp_path / "orders"
    source.mkdir()
    (source / "server.py").write_text(SERVER)
    (source / "run").write_text('#!/bin/sh\nexec "$OSTIARY_PYTHON" server.py serves $1\n')
    return place.releases.import_service(source).hash


def spec(place: Place, release: str, command: list[str], **settings: object) -> ReplicaSpec:
    return ReplicaSpec(
        service="orders",
        name=f"orders-{next(place.numbers)}",
        snapshot="s-0123456789ab",
        release=release,
        settings={**SETTINGS, "command": command, **settings},
        flags={},
        issuer="https://login.example.org",
        database_url="",
        status_url="",
        edge_url="http://127.0.0.1:8000",
    )


def started(place: Place, release: str, behaviour: str = "serves", **settings: object) -> Replica:
    runtime = place.runtime()
    command = [*PYTHON, behaviour, "${OSTIARY_PORT}"]
    replica = runtime.start(spec(place, release, command, **settings))
    wait_ready(runtime, replica)
    return replica


def failure_of(
    place: Place, release: str, command: list[str], seconds_max: float = 60.0
) -> ReplicaFailedError:
    runtime = place.runtime()
    replica = runtime.start(spec(place, release, command))
    with pytest.raises(ReplicaFailedError) as caught:
        wait_ready(runtime, replica, seconds_max)
    return caught.value


def failure_once_it_listens(
    place: Place, release: str, behaviour: str, eventually: Callable[[Callable[[], object]], None]
) -> ReplicaFailedError:
    """Return the failure of a program that has all the time it needs to begin to listen."""
    runtime = place.runtime()
    command = [*PYTHON, behaviour, "${OSTIARY_PORT}"]
    replica = runtime.start(spec(place, release, command))
    eventually(lambda: "listening on" in " ".join(runtime.log_tail(replica)))
    with pytest.raises(ReplicaFailedError) as caught:
        wait_ready(runtime, replica, 0.5)
    return caught.value


@pytest.mark.parametrize(
    "command",
    [
        [*PYTHON, "serves", "${OSTIARY_PORT}"],
        ["${OSTIARY_PYTHON}", "server.py", "serves", "${OSTIARY_PORT}"],
        ["sh", "-c", "exec ${OSTIARY_PYTHON} server.py serves $OSTIARY_PORT"],
        ["sh", "-c", "${OSTIARY_PYTHON} server.py serves $OSTIARY_PORT; true"],
        ["./run", "${OSTIARY_PORT}"],
        ["${OSTIARY_RELEASE_DIRECTORY}/run", "${OSTIARY_PORT}"],
    ],
)
def test_a_program_is_ready_when_it_listens_and_its_health_path_answers(place, release, command):
    runtime = place.runtime()
    replica = runtime.start(spec(place, release, command))

    wait_ready(runtime, replica)

    assert replica.health_port == replica.port
    assert httpx.get(f"http://127.0.0.1:{replica.port}/health", trust_env=False).is_success
    assert os.getsid(replica.process.pid) == replica.process.pid
    assert Path(f"/proc/{replica.process.pid}/cwd").resolve() == (
        place.releases.get(release).directory
    )


NODE = """\
const server = require("http").createServer((_, answer) => answer.end("orders"));
server.listen(process.env.OSTIARY_PORT, process.env.OSTIARY_HOST);
"""


@pytest.mark.node
def test_a_program_for_node_runs_within_its_limits(place, tmp_path):
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "server.js").write_text(NODE)
    release = place.releases.import_service(tmp_path / "js").hash
    runtime = place.runtime()
    replica = runtime.start(spec(place, release, ["node", "server.js"]))

    wait_ready(runtime, replica)

    assert httpx.get(f"http://127.0.0.1:{replica.port}/", trust_env=False).text == "orders"
    assert runtime.memory_mib(replica) < 512


def test_health_can_have_a_port_of_its_own(place, release):
    replica = started(place, release, "own-health-port", health_port=True)

    assert replica.health_port != replica.port
    assert listening_ports(replica.process) == {replica.port, replica.health_port}


def test_a_program_is_told_all_that_it_needs_and_no_secret(place, release, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "from-the-environment")
    monkeypatch.setenv("ORDERS_TOKEN", "passed-on-by-name")
    replica = started(
        place, release, environment={"LOG": "debug"}, pass_environment=["ORDERS_TOKEN"]
    )
    process = Path(f"/proc/{replica.process.pid}")
    text = (process / "environ").read_bytes().decode()
    told = dict(each.split("=", 1) for each in text.split("\0") if each)

    assert {name: told[name] for name in told if name.startswith("OSTIARY_")} == {
        "OSTIARY_HOST": "127.0.0.1",
        "OSTIARY_PORT": str(replica.port),
        "OSTIARY_HEALTH_PORT": str(replica.port),
        "OSTIARY_RELEASE_DIRECTORY": str(place.releases.get(release).directory),
        "OSTIARY_DATA_DIRECTORY": str(place.data.path.resolve() / "services" / "orders"),
        "OSTIARY_ISSUER": "https://login.example.org",
        "OSTIARY_EDGE": "http://127.0.0.1:8000",
        "OSTIARY_SERVICE": "orders",
        "OSTIARY_REPLICA": replica.name,
        "OSTIARY_SNAPSHOT": replica.snapshot,
        "OSTIARY_PYTHON": sys.executable,
        "OSTIARY_REPLICA_FILE": str(
            place.data.path.resolve() / "replicas" / f"{replica.name}.config.json"
        ),
    }
    assert (told["LOG"], told["ORDERS_TOKEN"]) == ("debug", "passed-on-by-name")
    assert "PGPASSWORD" not in told
    files = (place.data.path / "replicas").glob(f"{replica.name}*.json")
    seen = text.replace("passed-on-by-name", "") + "".join(path.read_text() for path in files)
    for secret in (
        "passed-on-by-name",
        place.data.admin_token_file.read_text(),
        place.data.edge_token_file.read_text(),
        place.data.store_key_file.read_text(),
    ):
        assert secret not in seen


def test_a_variable_that_the_guard_has_not_got_is_told_and_nothing_is_left(place, release):
    with pytest.raises(OstiaryError) as caught:
        started(place, release, pass_environment=["NO_SUCH_VARIABLE"])

    assert caught.value.code == "variable_missing"
    assert "NO_SUCH_VARIABLE" in caught.value.message
    assert list((place.data.path / "replicas").glob("*.json")) == []


def test_a_program_that_exits_is_told_with_its_code_and_last_words(place, release):
    failure = failure_of(place, release, ["sh", "-c", "echo no database; exit 7"])

    assert failure.reason is FailureReason.EXITED
    assert "ended before it was ready (exit code 7)" in failure.message
    assert failure.message.endswith("Its last words: no database")


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program", "/no/such/program"])
def test_a_program_that_is_not_there_is_told_and_nothing_is_left(place, release, program):
    with pytest.raises(ReplicaFailedError) as caught:
        place.runtime().start(spec(place, release, [program]))

    assert caught.value.reason is FailureReason.NOT_STARTED
    assert program in caught.value.message
    assert "PATH" in caught.value.hint
    assert list((place.data.path / "replicas").glob("*.json")) == []


def test_a_program_that_binds_another_port_is_told_which(place, release, eventually):
    failure = failure_once_it_listens(place, release, "other-port", eventually)

    bound = failure.log_lines[0].split()[-1]
    assert failure.reason is FailureReason.TOO_SLOW
    assert f"it listens on port {bound} instead of " in failure.message
    assert "which OSTIARY_PORT tells it" in failure.message


def test_a_program_that_never_listens_is_told(place, release):
    failure = failure_of(place, release, ["sleep", "600"], 0.5)

    assert "it does not listen on port" in failure.message


def test_a_program_that_never_gets_healthy_is_told_with_what_it_answers(
    place, release, eventually, monkeypatch
):
    # A program that stands still answers nothing for a while.
    monkeypatch.setattr("ostiary.runtime.service_readiness._ANSWER_SECONDS_MAX", 60.0)
    failure = failure_once_it_listens(place, release, "unhealthy", eventually)

    assert "its health path /health at port" in failure.message
    assert "is answered by HTTP 500" in failure.message


def test_an_answer_of_somebody_else_at_its_port_does_not_make_it_ready(place, release):
    other = started(place, release)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ostiary.runtime.local.choose_ports", lambda *_, **__: [other.port, 9])
        failure = failure_of(place, release, ["sleep", "600"], 0.5)

    assert failure.reason is FailureReason.TOO_SLOW
    assert f"another process has taken its port {other.port}" in failure.message


def test_a_port_that_somebody_took_first_is_a_reason_to_try_another(place, release):
    with socket.socket() as foreign, pytest.MonkeyPatch.context() as patch:
        foreign.bind(("127.0.0.1", 0))
        foreign.listen()
        taken = foreign.getsockname()[1]
        patch.setattr("ostiary.runtime.local.choose_ports", lambda *_, **__: [taken, 9])
        failure = failure_of(place, release, [*PYTHON, "serves", "${OSTIARY_PORT}"])

    assert failure.reason is FailureReason.PORT_TAKEN


def test_stopping_lets_a_program_drain_also_below_a_shell(place, release):
    runtime = place.runtime()
    below_shell = "${OSTIARY_PYTHON} server.py drains $OSTIARY_PORT; true"
    replica = runtime.start(spec(place, release, ["sh", "-c", below_shell]))
    wait_ready(runtime, replica)

    stop(runtime, replica)

    assert runtime.log_tail(replica) == [f"listening on {replica.port}", "drained"]
    assert list((place.data.path / "replicas").glob("*.json")) == []


def test_a_program_that_ignores_sigterm_is_killed_and_said_to_be(place, release, eventually):
    runtime, replica = place.runtime(), started(place, release, "ignores-sigterm")
    # Within the time that it gets below, a program that stands still could not say so.
    send_signal(replica.process, signal.SIGTERM)
    eventually(lambda: "not now" in runtime.log_tail(replica))

    by_itself = anyio.run(runtime.stop, replica, 0.2)

    assert by_itself is False
    assert not runtime.alive(replica)


def test_what_a_program_has_started_itself_ends_with_it(place, release, eventually):
    runtime, replica = place.runtime(), started(place, release, "has-children")
    (line,) = [line for line in runtime.log_tail(replica) if line.startswith("child")]
    child = identify(int(line.split()[1]))
    send_signal(replica.process, signal.SIGKILL)
    eventually(lambda: not runtime.alive(replica))

    stop(runtime, replica)

    eventually(lambda: not is_alive(child))


@pytest.mark.parametrize("point", ["after the process", "after the start"])
def test_a_program_whose_guard_died_is_adopted_and_can_be_stopped(place, release, point):
    wanted = spec(place, release, [*PYTHON, "serves", "${OSTIARY_PORT}"])
    die_while_starting(place, wanted, point)
    runtime = place.runtime()

    (replica,) = runtime.adopt()
    wait_ready(runtime, replica)

    assert (replica.service, replica.name, replica.health) == ("orders", wanted.name, "/health")
    assert runtime.adopt() == [replica]
    stop(runtime, replica)
    assert runtime.adopt() == []


def die_while_starting(place: Place, wanted: ReplicaSpec, point: str) -> None:
    content = {name: getattr(wanted, name) for name in wanted.__slots__}
    argv = [sys.executable, "-c", DYING_GUARD, point, str(place.data.path), json.dumps(content)]
    result = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr


def test_a_program_without_any_record_does_not_run_on_unknown(place, release, eventually):
    replica = started(place, release)
    (place.data.path / "replicas" / f"{replica.name}.json").unlink()

    assert place.runtime().adopt() == []

    eventually(lambda: not is_alive(replica.process))


@pytest.fixture
def inheriting(place: Place, release: str) -> Iterator[tuple[Replica, subprocess.Popen[bytes]]]:
    """A process that a replica has started in a session of its own, with the same environment."""
    replica = started(place, release)
    environ = Path(f"/proc/{replica.process.pid}/environ").read_text().split("\0")
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    environment = dict(each.split("=", 1) for each in environ if each)
    process = subprocess.Popen(argv, start_new_session=True, env=environment)
    yield replica, process
    process.kill()
    process.wait()


def test_a_process_that_has_a_replicas_environment_is_not_taken_for_it(place, inheriting):
    replica, other = inheriting

    assert place.runtime().adopt() == [replica]
    assert other.poll() is None


def test_memory_and_descriptors_are_limited(place, release):
    replica = started(place, release, memory_max_mib=64)
    limits = Path(f"/proc/{replica.process.pid}/limits").read_text()

    data = next(line for line in limits.splitlines() if line.startswith("Max data size"))
    assert int(data.split()[3]) == (2 * 64 + 512) * 1024 * 1024


def test_the_copy_of_a_release_stays_as_it_was_and_can_be_run(place, release, tmp_path):
    started(place, release)
    directory = place.releases.get(release).directory

    assert place.releases.verify(release) == []
    assert sorted(path.name for path in directory.iterdir()) == ["run", "server.py"]
    assert all(os.access(path, os.X_OK) for path in directory.iterdir())
    (tmp_path / "orders" / "server.py").write_text("raise SystemExit(9)\n")
    assert started(place, release).release == release
    assert place.releases.import_service(tmp_path / "orders").hash != release


def test_an_altered_copy_is_not_started(place, release):
    file = place.releases.get(release).directory / "server.py"
    file.chmod(0o600)
    file.write_text("print('something else')")

    with pytest.raises(OstiaryError) as caught:
        started(place, release)

    assert caught.value.code == "release_altered"


def test_only_a_directory_is_the_release_of_a_service(place, tmp_path):
    file = tmp_path / "orders.whl"
    file.write_bytes(b"")
    (tmp_path / "leads-out").mkdir()
    (tmp_path / "leads-out" / "link").symlink_to("/etc/hostname")

    for path, words in (
        (tmp_path / "none", "does not exist"),
        (file, "is no directory"),
        (tmp_path / "leads-out", "leads out of it"),
    ):
        with pytest.raises(UsageError) as caught:
            place.releases.import_service(path)
        assert words in caught.value.message


def test_a_value_that_is_passed_on_is_not_shown_where_the_program_logs_it(
    place, release, monkeypatch
):
    monkeypatch.setenv("ORDERS_TOKEN", "passed-on-by-name")
    runtime = place.runtime()
    command = ["sh", "-c", "echo token $ORDERS_TOKEN; exit 1"]
    wanted = spec(place, release, command, pass_environment=["ORDERS_TOKEN"])

    replica = runtime.start(replace(wanted, seat=1))
    with pytest.raises(ReplicaFailedError) as caught:
        wait_ready(runtime, replica)

    assert "passed-on-by-name" not in f"{caught.value} {caught.value.log_lines}"
    assert "token ***" in caught.value.log_lines
