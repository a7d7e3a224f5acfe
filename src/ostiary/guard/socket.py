"""The guard's API socket: a Unix socket that only the owner of the data directory can open."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from ostiary.kernel.errors import UsageError

_PATH_BYTES_MAX = 100
"""Unix sockets take 108 bytes on Linux, with the final zero and some room."""


def socket_path(data: Path) -> Path:
    """Return where the socket of a data directory stands.

    It stands in the data directory, or, where that path is too long for a Unix socket, in a
    directory of the same owner below the system's directory for temporary files. Raises
    `UsageError` where somebody else has made that directory.
    """
    inside = data / "guard.sock"
    if len(os.fsencode(inside)) <= _PATH_BYTES_MAX:
        return inside
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"ostiary-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            "socket_directory_foreign",
            f"{directory} is not a private directory of this user.",
            hint="Remove it, or use a data directory with a shorter path.",
        )
    return directory / "guard.sock"
