"""A system of a drill's own: own data directory, own ports, real processes, started by the CLI.

A drill touches nothing that runs elsewhere on the machine, and leaves nothing behind.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import ExitCode, OstiaryError

_UP_SECONDS_MAX = 120
_DOWN_SECONDS_MAX = 90


@dataclass(frozen=True, slots=True)
class DrillSystem:
    """A running system: where it is, who it is to its users, and its guard."""

    data: Path
    issuer: str
    guard: GuardClient
    report: dict[str, Any]


@contextmanager
def running(settings_toml: str, arguments: Sequence[str] = ()) -> Iterator[DrillSystem]:
    """Start a system with these settings; stop and remove it when the block ends.

    `arguments` are further ones of `ostiary up`.
    Raises `OstiaryError` with the command's own message when it does not come up.
    """
    directory = Path(tempfile.mkdtemp(prefix="ostiary-drill-"))
    data = directory / "data"
    config = directory / "ostiary.toml"
    config.write_text(settings_toml)
    settings = ["--config", str(config)]
    try:
        end_in_order_on_sigterm()
        report = _command(
            [
                *("up", "--detach", "--data", str(data), "--port", str(_free_port())),
                *settings,
                *arguments,
            ],
            seconds_max=_UP_SECONDS_MAX,
        )
        yield DrillSystem(data, str(report["issuer"]), GuardClient(data), report)
    finally:
        with _signals_put_off():
            if not _stopped(data):
                # The directory stays: without it nobody could stop what still runs.
                raise OstiaryError(
                    "drill_system_not_stopped",
                    f"The drill's system in {data} could not be stopped.",
                    hint=f"Run: ostiary down --data {data}",
                )
            shutil.rmtree(directory, ignore_errors=True)


def end_in_order_on_sigterm() -> None:
    """Let SIGTERM end this process as an exception does, so that what it started is stopped."""

    def end(number: int, _frame: object) -> NoReturn:
        # A second one must not break off the stopping.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(128 + number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


@contextmanager
def _signals_put_off() -> Iterator[None]:
    """Let no signal break off the stopping; the first that comes meanwhile counts afterwards."""
    came: list[int] = []
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for each in (signal.SIGINT, signal.SIGTERM):
            before[each] = signal.signal(each, lambda which, _frame: came.append(which))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for which in came[:1]:
        signal.raise_signal(which)


def _stopped(data: Path) -> bool:
    """Stop the system; return whether nothing of it runs any more."""
    if not (data / "keeper.json").exists() and not (data / "guard.lock").exists():
        return True
    done = _run(["down", "--data", str(data)], seconds_max=_DOWN_SECONDS_MAX)
    return done.returncode in {ExitCode.DONE, ExitCode.NOT_RUNNING}


def _command(arguments: list[str], *, seconds_max: float) -> dict[str, Any]:
    """Run one `ostiary` command and return its JSON result; raise what it reports."""
    completed = _run(arguments, seconds_max=seconds_max)
    try:
        value = json.loads(completed.stdout or "{}")
    except ValueError:
        value = {}
    if completed.returncode != 0:
        problem = value.get("error") or {}
        raise OstiaryError(
            "drill_system_failed",
            f"`ostiary {arguments[0]}` failed: {problem.get('message', completed.stderr)}",
            hint=str(problem.get("hint", "")),
        )
    return dict(value)


def _run(arguments: list[str], *, seconds_max: float) -> "subprocess.CompletedProcess[str]":
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("OSTIARY_")
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "ostiary.cli", *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=seconds_max,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        # Ctrl-C at a terminal is for the drill, which then stops its system by such a command.
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
