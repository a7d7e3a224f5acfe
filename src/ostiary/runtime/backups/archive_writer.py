"""Writing an archive so that there is a whole one or none."""

import fcntl
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ostiary.kernel.errors import UsageError
from ostiary.runtime.backups.manifest import MANIFEST, Manifest, Member

_CHUNK = 1024 * 1024
_PARTIAL = ".partial-"
# The least that a ZIP file can say: when a file was written is of no use to anybody.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


class ArchiveWriter:
    """Adds members to an archive that is being written, and keeps their hashes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files: dict[str, Member] = {}

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add a member. Raises `OSError` as the system gives it."""
        digest, length = hashlib.sha256(), 0
        with self._open(name) as stream:
            for chunk in chunks:
                digest.update(chunk)
                length += len(chunk)
                stream.write(chunk)
        self.files[name] = Member(digest.hexdigest(), length)

    def add_file(self, name: str, path: Path) -> None:
        """Add a file's content."""
        with path.open("rb") as stream:
            self.add(name, iter(lambda: stream.read(_CHUNK), b""))

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest, which makes the archive whole."""
        with self._open(MANIFEST) as stream:
            stream.write(manifest.to_json())

    def _open(self, name: str) -> IO[bytes]:
        entry = zipfile.ZipInfo(name, _NO_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        return self._archive.open(entry, "w", force_zip64=True)


def require_new(file: Path) -> None:
    """Raise `UsageError` where an archive cannot be written because of what is there."""
    if file.exists():
        raise UsageError(
            "backup_exists", f"{file} exists already.", hint="Name another file, or remove it."
        )
    if not file.parent.is_dir():
        raise UsageError("backup_directory_missing", f"There is no directory {file.parent}.")


def write_archive(file: Path, fill: Callable[[ArchiveWriter], None]) -> int:
    """Write an archive by `fill` and give it its name when it is whole; return its length.

    Only its owner can read it. Raises `UsageError` where it cannot be written; then there is no
    file of that name, and what was written of it is gone.
    """
    try:
        _remove_abandoned(file)
        with _partial(file) as stream:
            with zipfile.ZipFile(stream, "w") as archive:
                fill(ArchiveWriter(archive))
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(stream.name, file)
            length = stream.tell()
        _sync_directory(file.parent)
    except OSError as error:
        raise UsageError(
            "backup_not_written",
            f"{file} cannot be written: {error.strerror}.",
            hint="See whether the disk is full or closed to writing.",
        ) from error
    return length


@contextmanager
def _partial(file: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `file`, locked while it is written; remove it where that fails."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}{_PARTIAL}")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with open(name, "r+b") as stream:  # noqa: PTH123 - its name is asked for later
            yield stream
    finally:
        Path(name).unlink(missing_ok=True)
        os.close(descriptor)


def _remove_abandoned(file: Path) -> None:
    """Remove what a killed backup left: nobody holds its lock any more."""
    for path in file.parent.glob(f".{file.name}{_PARTIAL}*"):
        with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
