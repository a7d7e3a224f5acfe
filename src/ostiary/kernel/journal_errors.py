"""What SQLite's errors mean for whoever keeps a journal."""

import sqlite3
from pathlib import Path

from ostiary.kernel.errors import OstiaryError

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class JournalError(OstiaryError):
    """The journal cannot be read or written."""


def explained(path: Path, error: sqlite3.Error) -> JournalError:
    """Return what an error of SQLite means and what to do."""
    number = getattr(error, "sqlite_errorcode", None)
    if number in _FULL:
        return JournalError(
            "journal_disk_full",
            f"The journal {path} cannot be written: the disk is full.",
            hint="Free some space; nothing that was written is lost.",
            detail=str(error),
        )
    # The lower byte is the plain code, the rest says more about it.
    if number is not None and number & 0xFF in _DAMAGED:
        return damaged(path, str(error))
    return JournalError(
        "journal_failed",
        f"The journal {path} cannot be used: {error}.",
        hint="See whether the disk works and the file is readable and writable.",
    )


def damaged(path: Path, detail: str) -> JournalError:
    """Return the error for a file whose content is not what a journal holds."""
    return JournalError(
        "journal_damaged",
        f"The journal {path} is damaged.",
        hint="Keep the file for an investigation and restore it from a backup.",
        detail=detail,
    )


def unopened(path: Path, error: OSError) -> JournalError:
    """Return the error for a file that the system does not open."""
    return JournalError(
        "journal_not_readable", f"The journal {path} cannot be opened: {error.strerror}."
    )
