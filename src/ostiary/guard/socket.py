"""The guard's API socket: a Unix socket that only the owner of the data directory can open."""

import hashlib
import os
import tempfile
from pathlib import Path

_PATH_BYTES_MAX = 100
"""Unix sockets take 108 bytes on Linux, with the final zero and some room."""


def socket_path(data: Path) -> Path:
    """Return where the socket of a data directory stands.

    It stands in the data directory, or, where that path is too long for a Unix socket, in a
    directory of the same owner below the system's directory for temporary files.
    """
    inside = data / "guard.sock"
    if len(os.fsencode(inside)) <= _PATH_BYTES_MAX:
        return inside
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"ostiary-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory / "guard.sock"
