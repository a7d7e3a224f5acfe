"""Errors that a person reads, and the exit codes of the command line.

An expected problem is an `OstiaryError`: what is wrong, where, and what to do instead. Anything
else that reaches the top is a bug and leaves a trace in the data directory.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line answers to the shell."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    REFUSED = 3
    REHEARSAL_FAILED = 4
    ROLLED_BACK = 5
    NOT_RUNNING = 6
    HELD = 7


class OstiaryError(Exception):
    """An expected problem with a message for people.

    `code` is a stable word for programs, `message` says what is wrong and where, `hint` what to
    write or do instead. None of them may hold a secret. `detail` is for logs only.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, code: str, message: str, *, hint: str = "", detail: str = "") -> None:
        """Keep the parts apart, so that each reader gets the part meant for it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.detail = detail

    def __str__(self) -> str:
        """Return the message, followed by the hint where there is one."""
        return f"{self.message} {self.hint}".strip()


class UsageError(OstiaryError):
    """Wrong usage: a bad path, a taken port, a data directory that is newer than the program."""

    exit_code = ExitCode.USAGE


class RefusedError(OstiaryError):
    """A check refused the input; nothing was changed."""

    exit_code = ExitCode.REFUSED


class BugError(OstiaryError):
    """Something that was not expected; a trace says what."""

    exit_code = ExitCode.INTERNAL


class NotRunningError(OstiaryError):
    """The guard does not run, or cannot be reached."""

    exit_code = ExitCode.NOT_RUNNING
