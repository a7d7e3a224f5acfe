"""Waiting for the end of processes, and bringing it about."""

import os
import signal

import anyio

from ostiary.kernel.processes import ProcessRecord, is_alive, send_signal
from ostiary.runtime.process_table import session_of

_POLL_SECONDS = 0.02
_KILL_SECONDS_MAX = 5.0


async def ended(process: ProcessRecord) -> None:
    """Wait until a process has ended, whoever its parent is."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if is_alive(process):
            await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)


async def ended_by_itself(
    process: ProcessRecord, seconds_max: float, *, whole_session: bool
) -> bool:
    """Send SIGTERM and wait; return whether the process had ended before the time was over.

    `whole_session` is for programs that may be run by a shell: it does not pass the signal on.
    """
    others = session_of(process) if whole_session else []
    asked = [send_signal(member, signal.SIGTERM) for member in (process, *others)]
    if not any(asked):
        return True
    with anyio.move_on_after(seconds_max):
        await ended(process)
        while whole_session and session_of(process):  # noqa: ASYNC110 - others' children
            await anyio.sleep(_POLL_SECONDS)
        return True
    return False


async def killed_with_session(process: ProcessRecord) -> bool:
    """Kill a process and all of its session; return whether they are gone within seconds."""
    with anyio.move_on_after(_KILL_SECONDS_MAX, shield=True):
        while kill_session(process):  # noqa: ASYNC110 - the end of others' children is no event
            await anyio.sleep(_POLL_SECONDS)
        return True
    return False


def kill_session(process: ProcessRecord) -> bool:
    """Send SIGKILL to a process and to all of its session; return whether any was there."""
    members = [process, *session_of(process)]
    # Every one gets its signal, also after the first that was there.
    killed = [send_signal(member, signal.SIGKILL) for member in members]
    return any(killed)
