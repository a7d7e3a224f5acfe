"""Why a directory cannot be used, in words."""

import errno
from pathlib import Path

from ostiary.kernel.errors import UsageError

_REASONS = {
    errno.EACCES: "this user may not use it",
    errno.EPERM: "this user may not write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.ENOTDIR: "it, or a part of the path, is a file",
    errno.EEXIST: "it is a file",
    errno.ENAMETOOLONG: "the name is too long",
}


def not_usable(path: Path, error: OSError) -> UsageError:
    """Return the error for a data directory that the system does not let us use."""
    reason = _REASONS.get(error.errno or 0, error.strerror)
    hint = "Name another directory with --data."
    if error.errno == errno.EROFS:
        hint = "Mount it for writing. What runs there goes on; `ostiary down` stops it."
    return UsageError(
        "data_directory_not_usable",
        f"{path} cannot be used as data directory: {reason}.",
        hint=hint,
    )
