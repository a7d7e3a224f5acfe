"""Processes that outlive the one that started them, and are never mistaken for another.

A process id alone is not an identity: the kernel reuses it. A `ProcessRecord` therefore carries
the start time and the boot id as well, and signals go through a pidfd, which keeps pointing at
the same process while it is checked.
"""

import os
import resource
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_STATE_FIELD = 0
_START_TIME_FIELD = 19
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDS_KEPT_MAX = 256
_THREADS_MS_MAX = 500

_ends: dict[tuple[int, int], int] = {}
"""Wait statuses by process id and start time: the kernel tells each once, to whoever asks first."""

_reaping = threading.Lock()


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """What identifies one process on one machine between two boots.

    `start_ticks` is field 22 of `/proc/<pid>/stat`: clock ticks between boot and start.
    """

    pid: int
    start_ticks: int
    boot_id: str

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ProcessRecord":
        """Return the record in a JSON object; raises `KeyError` or `ValueError` on a bad one."""
        return cls(int(value["pid"]), int(value["start_ticks"]), str(value["boot_id"]))


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
) -> ProcessRecord:
    """Start a process in a session of its own, its output appended to `log`.

    `limits` are resource limits by `resource.RLIMIT_*`, never above what this process may set.
    Nothing that ends the caller ends the new process. Raises `OSError` when it cannot be started.
    """
    with log.open("ab") as stream:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # The caller tracks the process by its record, so the handle must not complain at exit.
    process.returncode = 0
    for kind, wanted in (limits or {}).items():
        _limit(process.pid, kind, wanted)
    state = _read_stat(process.pid)
    start_ticks = 0 if state is None else int(state[_START_TIME_FIELD])
    return ProcessRecord(process.pid, start_ticks, boot_id())


def identify(pid: int) -> ProcessRecord | None:
    """Return the record of a running process, or None where there is no such process."""
    state = _read_stat(pid)
    if state is None:
        return None
    return ProcessRecord(pid, int(state[_START_TIME_FIELD]), boot_id())


def is_alive(record: ProcessRecord) -> bool:
    """Return whether exactly this process runs; a zombie, or a reused id, does not count."""
    if record.boot_id != boot_id():
        return False
    state = _read_stat(record.pid)
    if state is None or int(state[_START_TIME_FIELD]) != record.start_ticks:
        return False
    if state[_STATE_FIELD] in {"Z", "X"}:
        # Only now is it certain that the zombie is this record's, and not another child.
        _reap(record)
        return False
    return True


def how_it_ended(record: ProcessRecord) -> str | None:
    """Return `exit code 3` or `signal SIGKILL` for a child that was seen to have ended.

    None for the children of others: the kernel tells nobody else. Only the latest ends are kept.
    """
    status = _end_of(record)
    if status is None and not is_alive(record):
        # On a busy machine its threads may not have ended when it was looked at last.
        status = _end_of(record)
    if status is None:
        return None
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = {each.value: each.name for each in signal.Signals}
        return f"signal {known.get(number, number)}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def _end_of(record: ProcessRecord) -> int | None:
    with _reaping:
        return _ends.get((record.pid, record.start_ticks))


def send_signal(record: ProcessRecord, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; return whether it was there to receive it."""
    try:
        descriptor = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return False
    try:
        # Checked after opening: from here on the descriptor cannot come to mean another process.
        if not is_alive(record):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def boot_id() -> str:
    """Return the id of the current boot, by which records of an earlier boot are recognised."""
    return _BOOT_ID.read_text().strip()


def _read_stat(pid: int) -> list[str] | None:
    """Return the fields of `/proc/<pid>/stat` after the command name, which may hold spaces."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _limit(pid: int, kind: int, wanted: int) -> None:
    """Limit a resource of a child that has just been started, as far as its hard limit allows."""
    try:
        _, hard = resource.prlimit(pid, kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.prlimit(pid, kind, (value, value))
    except ProcessLookupError:
        return  # It has ended already, which its caller will notice.


def _wait_for_threads(pid: int) -> bool:
    """Wait until all threads of a child have ended whose first one has; for half a second at most.

    A process that is killed shows as a zombie while its other threads still end, and only then
    does the kernel tell how. Return whether they have ended.
    """
    descriptor = os.pidfd_open(pid)
    try:
        ends = select.poll()
        ends.register(descriptor, select.POLLIN)
        return bool(ends.poll(_THREADS_MS_MAX))
    finally:
        os.close(descriptor)


def _reap(record: ProcessRecord) -> None:
    """Collect a child that has ended, so that it does not stay behind as a zombie."""
    # Whoever sees that the process is gone must also find how: several threads look at once.
    with _reaping:
        try:
            pid, status = os.waitpid(record.pid, os.WNOHANG)
            if not pid and _wait_for_threads(record.pid):
                pid, status = os.waitpid(record.pid, os.WNOHANG)
        except (ChildProcessError, ProcessLookupError):
            return
        if pid == record.pid:
            _ends[record.pid, record.start_ticks] = status
            while len(_ends) > _ENDS_KEPT_MAX:
                _ends.pop(next(iter(_ends)), None)
