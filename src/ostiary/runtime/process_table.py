"""Finding processes by what they are, where no record says which process it was."""

import os
from collections.abc import Iterator
from pathlib import Path

from ostiary.kernel.processes import ProcessRecord, boot_id, identify

_PROC = Path("/proc")
_SESSION_FIELD = 3


def command_lines() -> Iterator[tuple[ProcessRecord, list[str]]]:
    """Yield the processes that run, each with its arguments; kernel threads have none."""
    for pid in _pids():
        record = identify(pid)
        try:
            content = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        if record is not None and content:
            yield record, content.decode(errors="replace").removesuffix("\0").split("\0")


def marked(variable: str) -> Iterator[tuple[ProcessRecord, str]]:
    """Yield the leaders of sessions that were started with a variable, and its value.

    Those of other users do not count, whatever their environment says.
    """
    beginning = f"{variable}=".encode()
    for pid in _pids():
        place = _PROC / str(pid)
        try:
            if _session(pid) != pid or place.stat().st_uid != os.getuid():
                continue
            record, entries = identify(pid), (place / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        value = next((each for each in entries if each.startswith(beginning)), None)
        if record is not None and value is not None:
            yield record, value.removeprefix(beginning).decode(errors="replace")


def session_of(leader: ProcessRecord) -> list[ProcessRecord]:
    """Return the processes of the session that `leader` began, itself excepted.

    The kernel does not reuse the number of a session that has members. Where a process with the
    leader's number runs that is not the leader, the session is therefore another one.
    """
    now = identify(leader.pid)
    if leader.boot_id != boot_id() or (now is not None and now != leader):
        return []
    members = []
    for pid in _pids():
        if pid != leader.pid and _session(pid) == leader.pid:
            record = identify(pid)
            # A process cannot be older than the one that began its session.
            if record is not None and record.start_ticks >= leader.start_ticks:
                members.append(record)
    return members


def _pids() -> Iterator[int]:
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            yield int(entry.name)


def _session(pid: int) -> int | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command name in parentheses may hold blanks and parentheses itself.
    return int(text.rpartition(")")[2].split()[_SESSION_FIELD])
