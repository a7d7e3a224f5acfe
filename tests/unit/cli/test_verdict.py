"""`ostiary verdict`: the service as a process of its own, and what people see of it."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from rich.console import Console

from ostiary.cli.verdict import _show
from ostiary.cli.verdict_wiring import serve
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.system import free_port
from tests.unit.guard.verdicts.conftest import Service, versions
from tests.unit.guard.verdicts.versions import ISSUER

__all__ = ["versions"]

TOKEN = "ostiary_token-of-argo-0123456789abcdef"
SECRET = "the-secret-of-the-probe"
SETTINGS = """
[guard.verdicts]
listen = "127.0.0.1:{port}"

[guard.verdicts.rollouts.login]
issuer = "{issuer}"
stable_url = "{stable}"
canary_url = "{canary}"
journeys = ["token"]
journey_seconds = 0.1
passes_min = 3

[[guard.journeys.token.steps]]
name = "token"
method = "POST"
path = "/token"
form = {{ client_secret = "{{env:PROBE_SECRET}}" }}
expect.status = 200

[guard.operators.argo]
role = "proposer"
token_sha256 = "{digest}"

[guard.operators.ada]
role = "admin"
uid = 4242
"""
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")
} | {"PROBE_SECRET": SECRET}


def ostiary(
    *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ostiary.cli", "verdict", *words]
    variables = ENVIRONMENT | (environment or {})
    return subprocess.run(command, capture_output=True, text=True, env=variables, check=False)


def as_json(*words: str) -> dict:
    done = ostiary(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def running(config, data):
    """Run the service; what it has printed is in `output` once it has ended."""
    command = [sys.executable, "-m", "ostiary.cli", "verdict", "serve", "--json"]
    command += ["--config", str(config), "--data", str(data)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT
    )
    process.output = ""  # type: ignore[attr-defined]
    try:
        first = process.stdout.readline()
        assert json.loads(first)["rollouts"] == ["login"]
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.output = process.communicate(timeout=30)[0]  # type: ignore[attr-defined]


@pytest.fixture
def written(versions, tmp_path):
    """The settings file, the data directory and the port."""
    port = free_port()
    config = tmp_path / "ostiary.toml"
    stable, canary = versions
    config.write_text(
        SETTINGS.format(
            port=port, issuer=ISSUER, stable=stable.url, canary=canary.url, digest=digest_of(TOKEN)
        )
    )
    return config, tmp_path / "data", port


def until(holds) -> None:
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_service_that_is_killed_goes_on_where_it_was(written, versions):
    config, data, port = written
    service = Service(port)

    def verdict(revision: str) -> str:
        status, answer = service.post("/verdicts/login", {"revision": revision}, TOKEN)
        assert status == 200
        return answer["verdict"]

    with running(config, data) as process:
        assert as_json("list", "--data", str(data))["verdicts"][0]["verdict"] == "undecided"
        until(lambda: verdict("r1") == "go")
        before = as_json("show", "login", "--data", str(data))["evidence"]["journey_runs"]
        process.send_signal(signal.SIGKILL)
    assert ostiary("show", "login", "--data", str(data)).returncode == 6
    versions[1].keys = {"keys": []}
    with running(config, data) as process:
        assert as_json("show", "login", "--data", str(data))["evidence"]["journey_runs"] >= before
        until(lambda: verdict("r1") == "stop")
        again = ostiary("serve", "--config", str(config), "--data", str(data))
        assert (again.returncode, "already runs" in again.stderr) == (2, True)
        shown = ostiary("show", "login", "--data", str(data)).stdout
        assert "login stop" in shown
        assert "expected a set of keys" in shown
        unknown = ostiary("show", "logn", "--data", str(data))
        assert (unknown.returncode, "Did you mean login?" in unknown.stderr) == (2, True)
        reset = as_json("reset", "login", "--reason", "mended", "--data", str(data))
        assert reset["reasons"][0]["code"] == "not_begun"
    assert process.returncode == 0
    written_down = (data / "verdicts.db").read_bytes() + process.output.encode()
    for hidden in (TOKEN, SECRET):
        assert hidden.encode() not in written_down
    journal = Journal(data / "verdicts.db", FakeClock())
    assert journal.verify().whole
    journal.close()


def refused(config, data) -> OstiaryError:
    """Return why a service did not start."""
    with pytest.raises(OstiaryError) as caught:
        serve(config, data, ready=lambda _value: pytest.fail("it has started"))
    return caught.value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("journeys = [", "journey = ["), "journeys"),
        (('"token"]', '"tokn"]'), "did you mean `token`?"),
        (("[guard.verdicts]", "[guard.verdict]"), "verdicts"),
    ],
)
def test_settings_that_are_wrong_are_told_before_anything_starts(written, change, said):
    config, data, _ = written
    config.write_text(config.read_text().replace(*change))
    assert said in str(refused(config, data))
    assert not data.exists()


def test_a_file_without_verdicts_a_guard_s_directory_and_a_taken_port_are_refused(written):
    config, data, port = written
    empty = config.with_name("empty.toml")
    empty.write_text("[guard]\n")
    assert refused(empty, data).code == "verdicts_not_set"
    data.mkdir()
    (data / "layout.json").write_text("{}")
    assert refused(config, data).code == "data_directory_of_guard"
    (data / "layout.json").unlink()
    with socket.create_server(("127.0.0.1", port)):
        problem = refused(config, data)
    assert (problem.code, f"127.0.0.1:{port}" in problem.message) == ("port_not_usable", True)
    assert not (data / "guard.sock").exists()


def test_posting_needs_a_token_and_says_what_went_wrong(tmp_path):
    words = ["post", "login", "--to", "http://127.0.0.1:1", "--prometheus", "http://127.0.0.1:1"]
    words += ["--requests", "a", "--faults", "b", "--once"]
    done = ostiary(*words)
    assert (done.returncode, "$OSTIARY_TOKEN_FILE" in done.stderr) == (2, True)
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    done = ostiary(*words, environment={"OSTIARY_TOKEN_FILE": str(file)})
    assert (done.returncode, "does not answer" in done.stderr) == (6, True)
    assert TOKEN not in done.stderr


def test_a_verdict_is_shown_with_its_reasons_and_numbers():
    counts = {"requests": 100, "faults": 1, "refusals": 2}
    few = {"requests": 9, "faults": 1, "refusals": 0}
    value = {
        "rollout": "login",
        "revision": "r1",
        "verdict": "undecided",
        "reasons": [
            {"code": "route_unproven", "text": "token: too few [red] counts.", "numbers": {}}
        ],
        "evidence": {
            "alpha": 0.001,
            "e_value": 1.25,
            "stops_at": 1000.0,
            "journey_runs": 20,
            "failed_at_canary_only": 1,
            "failed_at_stable_only": 0,
            "passes": {"discovery": 4},
            "passes_min": 10,
            "routes": {"token": {"harmless": False, "canary": counts, "stable": few}},
            "ended": False,
        },
    }
    console = Console(file=io.StringIO(), width=120)
    _show(console, value)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines == [
        "login undecided  r1",
        "  why        token: too few [red] counts.",
        "  evidence   E = 1.25, stops at 1000",
        "  journeys   20 runs, 1 failed at the canary only, 0 at the stable version only",
        "             discovery: passed 4 in a row, 10 needed",
        "  counts     token: canary 1 faults, 2 refusals of 100; stable 1 faults, 0 refusals of 9",
    ]
