"""Writing files so that a crash leaves the old or the new content, never a half."""

import ctypes
import errno
import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `content` in one rename within the same directory.

    The content is on disk before the rename. Raises `OSError` as the operating system gives it;
    then `path` is as it was and no temporary file stays behind.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sync_file_system(path: Path) -> None:
    """Return when all that was written on the file system of a directory is on its disk.

    For many files at once: one flush of the disk instead of one for each of them. Raises `OSError`
    where the disk has not taken something.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Python knows no syncfs(2), only `os.sync`, which waits for every other disk as well.
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, if there is one; on a read-only file system it stays.

    For records of what runs: a disk that takes no writes must not keep anybody from stopping that.
    Raises `OSError` for everything else.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
