"""Operators' tokens: drawing one, its digest for the settings, and reading it from its file.

A token is sent to the guard over its Unix socket and nowhere else. It is never an argument or the
value of a variable: both can be seen by others. The settings hold its digest.
"""

import hashlib
import os
import re
import stat
from pathlib import Path

from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import Random

TOKEN_FILE_VARIABLE = "OSTIARY_TOKEN_FILE"  # noqa: S105 - a name, not a token
"""Names the file that holds the token of whoever runs a command."""

_PREFIX = "ostiary_"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
_BYTES_MAX = 1024


def draw_token(rng: Random) -> str:
    """Return a new token: 32 random bytes as text, with a prefix that scanners can find."""
    return _PREFIX + rng.token()


def digest_of(token: str) -> str:
    """Return what stands in the settings for a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def read_token(path: Path, *, by_group: bool = False) -> str:
    """Return the token in a file that nobody else can read.

    `by_group` takes one that root has made readable for a group as well, which is how Kubernetes
    mounts a Secret for a process that is not root. Raises `UsageError` for every other file; what
    it holds is never repeated.
    """
    try:
        # Not through a pipe or device, which could keep the command waiting for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            _require_private(path, os.fstat(descriptor), by_group=by_group)
            content = stream.read(_BYTES_MAX)
    except OSError as error:
        raise UsageError(
            "token_file_unreadable",
            f"The token file {path} cannot be read: {os.strerror(error.errno or 0)}.",
            hint=f"${TOKEN_FILE_VARIABLE} names it; unset it to be known by your user id.",
        ) from None
    token = content.decode("utf-8", "replace").strip()
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "token_file_malformed",
            f"The file {path} does not hold a token and nothing else.",
            hint="Write the one line that `ostiary operator token NAME` printed.",
        )
    return token


def _require_private(path: Path, found: os.stat_result, *, by_group: bool) -> None:
    """Raise `UsageError` where others can read the file, or have made it."""
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("token_file_no_file", f"{path} is no file.", hint="Name a plain file.")
    others = 0o037 if by_group and found.st_uid == 0 else 0o077
    if stat.S_IMODE(found.st_mode) & others:
        raise UsageError(
            "token_file_open",
            f"The token file {path} can be read or written by others "
            f"(mode {stat.S_IMODE(found.st_mode):04o}).",
            hint=f"Run `chmod 600 {path}`, and have the token replaced if others could read it.",
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise UsageError(
            "token_file_foreign",
            f"The token file {path} belongs to another user.",
            hint="Keep the token in a file of your own.",
        )
