"""The whole system as a user starts it: `ostiary up`, real processes, one free port."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ostiary.guard.client import GuardClient

# A guard against hanging, not a measure: a drill from canary takes two minutes on a busy machine.
COMMAND_SECONDS_MAX = 420
LOG_LINES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the running system, with the password only tests may know."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A system on its own data directory and port."""

    data: Path
    up: dict[str, Any]
    numbers: Iterator[int]

    @property
    def issuer(self) -> str:
        """The address that users and applications see."""
        return str(self.up["issuer"])

    def ostiary(self, *arguments: str, password: str = "") -> dict[str, Any]:
        """Run a command on this system and return its JSON object; fail when it fails."""
        return run_ostiary(*arguments, data=self.data, standard_input=password)

    def status(self) -> dict[str, Any]:
        """Return what `ostiary status --json` shows; a process for each look would be slow."""
        return GuardClient(self.data).get("/status")

    def change(self, change: str) -> dict[str, Any]:
        """Return what `ostiary change show --json` shows."""
        return GuardClient(self.data).get(f"/changes/{change}")

    def new_email(self) -> str:
        """Return an address that nobody has signed up with."""
        return f"user{next(self.numbers)}@example.com"

    def new_account(self, *roles: str) -> Account:
        """Add a user by the command line and return how to sign in."""
        account = Account(self.new_email(), "correct horse battery staple")
        options = [option for role in roles for option in ("--role", role)]
        self.ostiary(
            "user", "add", account.email, "--password-stdin", *options, password=account.password
        )
        return account


def ostiary_program() -> Path:
    """Return the command that is installed beside this Python."""
    return Path(sys.executable).with_name("ostiary")


def call_ostiary(
    *arguments: str, data: Path, standard_input: str = "", as_json: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run one command, whatever its exit code; without `as_json` it speaks as to people."""
    options = ["--json"] if as_json else []
    environment = {key: value for key, value in os.environ.items() if key != "OSTIARY_DATA"}
    return subprocess.run(
        [str(ostiary_program()), *arguments, *options, "--data", str(data)],
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        env=environment,
        cwd=data.parent,
        check=False,
    )


def run_ostiary(*arguments: str, data: Path, standard_input: str = "") -> dict[str, Any]:
    """Run one command and return its JSON object; fail with all it said otherwise."""
    result = call_ostiary(*arguments, data=data, standard_input=standard_input)
    if result.returncode != 0:
        pytest.fail(
            f"`ostiary {' '.join(arguments)}` ended with {result.returncode}\n"
            f"--- standard output\n{result.stdout}\n--- standard error\n{result.stderr}"
            f"\n{log_tails(data)}"
        )
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def log_tails(data: Path) -> str:
    """Return the last lines of every log below a data directory."""
    parts: list[str] = []
    for path in sorted(data.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        parts.append("\n".join([f"--- {path.relative_to(data)}", *lines]))
    return "\n".join(parts)


@pytest.fixture(scope="session")
def running_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """One system for all tests that only use it, and do not break it."""
    data = tmp_path_factory.mktemp("running-system") / "data"
    try:
        up = run_ostiary("up", "--detach", "--port", str(free_port()), data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        # Also after an `up` that failed half-way: nothing may stay behind.
        stopped = call_ostiary("down", data=data)
    assert stopped.returncode == 0, stopped.stderr


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the system's logs under a failed test that used it."""
    report = yield
    system = getattr(item, "funcargs", {}).get("running_system")
    if report.failed and isinstance(system, RunningSystem):
        report.sections.append(("logs of the running system", log_tails(system.data)))
    return report
