"""Starting and stopping the guard's process, in the foreground or kept by a keeper.

The composition root is imported where a guard is really made: it brings in all that a guard
consists of, which takes longer than most commands that only ask one.
"""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ostiary.guard.client import GuardClient, GuardError
from ostiary.guard.options import GuardOptions
from ostiary.kernel import processes
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode, NotRunningError, OstiaryError, UsageError
from ostiary.kernel.files import remove, write_atomically
from ostiary.runtime.data_directory import DataDirectory

_READY_SECONDS_MAX = 90.0
_STOP_SECONDS_MAX = 60.0
_POLL_SECONDS = 0.05
DATABASE_VARIABLE = "OSTIARY_DATABASE_URL"
"""Names the database for `ostiary up` without showing a password in the process list."""

_FAILURE_FILE = "guard.failure.json"
_KEEPER_FILE = "keeper.json"


def run_in_foreground(options: GuardOptions, ready: Callable[[dict[str, Any]], None]) -> None:
    """Run a guard until Ctrl-C, SIGTERM or `ostiary down`; then everything has stopped."""
    from ostiary.cli import wiring  # noqa: PLC0415 - see the module's text

    wiring.run_guard(options, ready=ready, stops_everything=True)


def run_kept(data: Path) -> int:
    """Run a guard below a keeper; leave the reason behind when it cannot start.

    Returns the exit code. One that had started and then ended by an error has refused nothing, so
    that the keeper starts the next one.
    """
    remove(data / _FAILURE_FILE)
    started: list[dict[str, Any]] = []
    try:
        options = GuardOptions.requested(data)
        from ostiary.cli import wiring  # noqa: PLC0415 - see the module's text

        wiring.run_guard(options, ready=started.append, stops_everything=False)
    except OstiaryError as error:
        value = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "exit_code": int(error.exit_code),
        }
        with suppress(OSError):
            # Where nothing can be written, the log and the exit code have to do.
            write_atomically(data / _FAILURE_FILE, json.dumps(value).encode())
        return int(ExitCode.INTERNAL if started else error.exit_code)
    return int(ExitCode.DONE)


def start_detached(options: GuardOptions) -> dict[str, Any]:
    """Start a keeper with its guard; return the status once everything is ready.

    Raises what the guard could not start for.
    """
    from ostiary.cli import wiring  # noqa: PLC0415 - see the module's text

    wiring.preflight(options)
    with starting(options.data):
        return _start_detached(options)


def _start_detached(options: GuardOptions) -> dict[str, Any]:
    failure = options.data / _FAILURE_FILE
    failure.unlink(missing_ok=True)
    options.request()
    keeper = processes.spawn(
        [sys.executable, "-P", "-m", "ostiary.cli", "guard", "keep", "--data", str(options.data)],
        log=options.data / "guard.log",
        cwd=options.data,
        environment=_without_secrets(os.environ),
    )
    write_atomically(options.data / _KEEPER_FILE, json.dumps(keeper.to_json()).encode())
    clock = SystemClock()
    deadline = clock.monotonic() + _READY_SECONDS_MAX
    while clock.monotonic() < deadline:
        try:
            _raise_recorded(failure)
        except GuardError:
            # Who is told that it failed must not find it running a minute later.
            processes.send_signal(keeper, signal.SIGTERM)
            raise
        try:
            return GuardClient(options.data).get("/status")
        except NotRunningError:
            if not processes.is_alive(keeper):
                _raise_recorded(failure)
                break
        time.sleep(_POLL_SECONDS)
    raise OstiaryError(
        "guard_not_ready",
        f"The guard did not get ready; its log is {options.data / 'guard.log'}.",
        hint="The last lines there say what it was doing.",
    )


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out the database's address: the guard reads it from a file that only its owner can."""
    return {name: value for name, value in environment.items() if name != DATABASE_VARIABLE}


@contextmanager
def starting(data: Path) -> Iterator[None]:
    """Be the only one that starts a guard here; raises `UsageError` where somebody else does."""
    with (data / "up.lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "up_already_runs",
                f"Another `ostiary up` is starting on {data} at this moment.",
                hint="`ostiary status` shows when it is ready.",
            ) from None
        yield


def stop(data: Path) -> dict[str, Any]:
    """Stop everything of a data directory; also when its guard is gone but replicas run.

    Only its owner can, whatever token they have. Raises `NotRunningError` when nothing runs.
    """
    directory, clock = DataDirectory(data), SystemClock()
    deadline = clock.monotonic() + _STOP_SECONDS_MAX
    asked = False
    # Remembered: a guard that is ending gives up its lock a moment before its process is gone.
    seen: set[processes.ProcessRecord] = set()
    while clock.monotonic() < deadline:
        guard, keeper = directory.running_guard(), _keeper(data)
        seen |= {record for record in (guard, keeper) if record is not None}
        if keeper is not None and not asked:
            # First, so that it starts no other guard meanwhile; the guard itself lives on.
            processes.send_signal(keeper, signal.SIGTERM)
        try:
            GuardClient(data).post("/shutdown")
            asked = True
        except NotRunningError:
            if not any(processes.is_alive(record) for record in seen):
                return {"running": False} if asked else _stop_without_guard(data)
        time.sleep(_POLL_SECONDS)
    raise NotRunningError(
        "stop_slow",
        "The guard does not answer, or has not stopped everything yet.",
        hint="See `ostiary status`. A guard that was paused goes on after `kill -CONT PID`; after "
        "`kill -9 PID`, `ostiary down` stops the rest without it.",
    )


def _stop_without_guard(data: Path) -> dict[str, Any]:
    if not data.is_dir():
        raise NotRunningError(
            "nothing_running",
            f"There is no data directory {data}, so nothing runs there.",
            hint="Name the data directory with --data.",
        )
    with DataDirectory(data).acquire():
        from ostiary.cli import wiring  # noqa: PLC0415 - see the module's text

        if not wiring.stop_orphans(GuardOptions.recorded(data)):
            raise NotRunningError("nothing_running", f"Nothing runs on {data}.")
    return {"running": False}


def _keeper(data: Path) -> processes.ProcessRecord | None:
    """Return the keeper that was started last, None where there was none."""
    try:
        return processes.ProcessRecord.from_json(json.loads((data / _KEEPER_FILE).read_text()))
    except (OSError, ValueError, KeyError):
        return None


def _raise_recorded(failure: Path) -> None:
    try:
        value = json.loads(failure.read_text())
    except (OSError, ValueError):
        return
    raise GuardError(
        value["code"], value["message"], hint=value["hint"], exit_code=value["exit_code"]
    )
