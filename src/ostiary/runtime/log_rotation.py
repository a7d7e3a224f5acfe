"""Keeping logs from growing for ever.

Processes write to their logs by a descriptor that was opened for appending. So a log can be cut
under its writer, who goes on at the new end and need not know.
"""

import os
import shutil
from pathlib import Path

LOG_BYTES_MAX = 32 * 1_048_576


def rotate(log: Path, *, bytes_max: int = LOG_BYTES_MAX) -> bool:
    """Move a log that has grown above `bytes_max` to `<log>.1`, where the last one is replaced.

    Returns whether it did. What is written between copy and cut is lost: a line or two. Where the
    disk has no room for the copy, the log is cut without one: then room is what matters.
    Raises `OSError` when even that is not possible.
    """
    try:
        if log.stat().st_size <= bytes_max:
            return False
    except FileNotFoundError:
        return False
    older = log.with_name(f"{log.name}.1")
    unnamed = older.with_name(f".{older.name}")
    try:
        shutil.copyfile(log, unnamed)
        os.chmod(unnamed, log.stat().st_mode & 0o777)
        os.replace(unnamed, older)
    except OSError:
        unnamed.unlink(missing_ok=True)
        older.unlink(missing_ok=True)
    os.truncate(log, 0)
    return True
