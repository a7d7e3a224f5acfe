"""One guard per data directory, by a lock that the kernel takes back when its holder dies."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from ostiary.kernel.errors import UsageError
from ostiary.kernel.processes import ProcessRecord, identify, is_alive
from ostiary.runtime.unusable import not_usable

_FILE = "guard.lock"


@contextmanager
def acquire(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory until the block ends, or the process does.

    Raises `UsageError` where another process holds it, or where it cannot be made. A lock that
    stands on a read-only file system can be held, though it does not say by whom: what runs there
    must be stopped before the disk can be mended.
    """
    with _opened(data) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(data)
            pid = "" if holder is None else f" (pid {holder.pid})"
            raise UsageError(
                "guard_already_runs",
                f"A guard{pid} already runs on {data}.",
                hint="`ostiary status` shows it and `ostiary down` stops it.",
            ) from None
        if not stream.writable():
            yield
            return
        me = identify(os.getpid())
        stream.truncate(0)
        stream.write(json.dumps(me.to_json() if me else {}).encode())
        yield
        with suppress(OSError):
            # Otherwise it names a process that has ended, which is as good as nobody.
            stream.truncate(0)


def running(data: Path) -> ProcessRecord | None:
    """Return the process that holds the lock; None where none does.

    The lock itself is not tried: that could keep a guard from starting at this moment.
    """
    holder = _holder(data)
    return holder if holder is not None and is_alive(holder) else None


def _opened(data: Path) -> FileIO:
    file = data / _FILE
    try:
        try:
            return FileIO(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+")
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            return FileIO(file, "r")
    except OSError as error:
        raise not_usable(data, error) from error


def _holder(data: Path) -> ProcessRecord | None:
    """Return the process that wrote itself into the lock last."""
    try:
        return ProcessRecord.from_json(json.loads((data / _FILE).read_bytes()))
    except (OSError, ValueError, LookupError, TypeError):
        return None
