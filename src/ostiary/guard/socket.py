"""The guard's API sockets: where they stand, who can open them, and that nobody else made them.

The first one belongs to the owner of the data directory, who alone can open it. The second one, if
there is any, can be opened by everybody; the guard asks who it is.
"""

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ostiary.changes.rules.operators import SOCKET_PATH_BYTES_MAX
from ostiary.kernel.errors import UsageError

PRIVATE, PUBLIC = 0o600, 0o666
"""Modes of a socket: connecting takes the right to write."""


def socket_path(data: Path) -> Path:
    """Return where the socket of a data directory stands.

    It stands in the data directory, or, where that path is too long for a Unix socket, in a
    directory of the same owner below the system's directory for temporary files. Raises
    `UsageError` where somebody else has made that directory.
    """
    inside = data / "guard.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_BYTES_MAX:
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


@contextmanager
def bound(data: Path, public: Path | None) -> Iterator[list[socket.socket]]:
    """Provide the sockets of a data directory's guard, and remove them afterwards.

    Nobody can connect before they are listened on. Raises `UsageError` where one cannot be made.
    """
    private = socket_path(data)
    # A data directory has one guard at a time, so whatever stands there was left behind.
    private.unlink(missing_ok=True)
    with ExitStack() as stack:
        sockets = [_bound_until_closed(stack, private, PRIVATE)]
        if public is not None:
            prepare_directory(public)
            sockets.append(_bound_until_closed(stack, public, PUBLIC))
        yield sockets


def _bound_until_closed(stack: ExitStack, path: Path, mode: int) -> socket.socket:
    made = bind(path, mode)
    stack.callback(path.unlink, missing_ok=True)
    return stack.enter_context(made)


def bind(path: Path, mode: int) -> socket.socket:
    """Return a socket at this path that nobody can connect to yet: it has the mode before.

    A socket that a dead process has left there is replaced. Raises `UsageError` where something
    else stands there, where a living process listens, and where the directory is missing.
    """
    _clear(path)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(path))
        os.chmod(path, mode)
    except OSError as error:
        made.close()
        raise UsageError(
            "socket_not_made",
            f"The socket {path} cannot be made: {os.strerror(error.errno or 0)}.",
            hint="See who owns its directory, and whether it has space.",
        ) from error
    return made


def _clear(path: Path) -> None:
    """Remove what a dead process has left."""
    try:
        found = path.lstat()
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise UsageError(
            "socket_path_taken", f"{path} is no socket.", hint="Remove it, or name another path."
        )
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise UsageError(
        "socket_path_taken",
        f"Another process listens on {path}.",
        hint="Give each guard a socket of its own.",
    )


def prepare_directory(path: Path) -> None:
    """Make the directory of a public socket where it is missing, and see that it is safe.

    Raises `UsageError` where it cannot be made, or where others could put a socket of theirs
    in its place.
    """
    try:
        path.parent.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise UsageError(
            "socket_directory_missing",
            f"The directory {path.parent} for the guard's socket cannot be made: "
            f"{os.strerror(error.errno or 0)}.",
            hint="Make it, owned by the user who runs the guard, with mode 0755.",
        ) from error
    require_safe(path.parent, owners={0, os.geteuid()})


def require_safe(directory: Path, *, owners: set[int]) -> None:
    """Raise `UsageError` where others than root and `owners` could replace what is in a directory.

    The directories above it count too; in those that everybody may write to, such as those for
    temporary files, the sticky bit keeps others away from what is not theirs.
    """
    place = directory.resolve()
    for each in (place, *place.parents):
        found = each.stat()
        others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        is_sticky = found.st_mode & stat.S_ISVTX and each != place
        if found.st_uid not in owners or (others_write and not is_sticky):
            raise UsageError(
                "socket_directory_open",
                f"{each} (owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}) lets "
                f"others put a socket of theirs into {directory}.",
                hint="Use a directory that only root or the user who runs the guard can write to, "
                "such as /run/ostiary with mode 0755.",
            )
