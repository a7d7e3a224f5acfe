"""Reading an archive that may be damaged, or made to do harm."""

import hashlib
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ostiary.kernel.errors import UsageError
from ostiary.runtime.backups.manifest import MANIFEST, ROWS, Manifest, damaged, read_manifest

_CHUNK = 1024 * 1024
_MANIFEST_BYTES_MAX = 64 * 1024 * 1024
_SPARE_BYTES = 64 * 1024 * 1024


class ArchiveReader:
    """A backup whose manifest has been read. Nothing of its content is believed before that."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Read the manifest. Raises `RefusedError`."""
        self._archive = archive
        names = archive.namelist()
        if len(names) != len({*names}) or MANIFEST not in names:
            raise damaged("It has no manifest, or one name twice.")
        self.manifest = self._read_manifest()
        if {*names} - {MANIFEST} != {*self.manifest.files}:
            raise damaged("Its files are not those of its manifest.")

    def _read_manifest(self) -> Manifest:
        with self._member(MANIFEST) as stream:
            content = stream.read(_MANIFEST_BYTES_MAX + 1)
        if len(content) > _MANIFEST_BYTES_MAX:
            raise damaged("Its manifest is too long.")
        return read_manifest(content)

    def _member(self, name: str) -> IO[bytes]:
        try:
            return self._archive.open(name)
        except RuntimeError as error:
            raise damaged("A file in it is closed by a password.") from error

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's content; raise `RefusedError` at its end unless it is what was written.

        No more is read than the manifest says, whatever the compressed data unfold to.
        """
        expected = self.manifest.files[name]
        digest, length = hashlib.sha256(), 0
        with self._member(name) as stream:
            while chunk := stream.read(_CHUNK):
                length += len(chunk)
                if length > expected.bytes:
                    break
                digest.update(chunk)
                yield chunk
        if length != expected.bytes or digest.hexdigest() != expected.sha256:
            raise damaged(f"Its file {name} is not what was written.")

    def lines(self) -> Iterator[bytes]:
        """Yield the account rows; raises as `chunks` does."""
        return self.chunks(ROWS)

    def verify(self) -> None:
        """Read everything once. Raises `RefusedError` unless all of it is what was written."""
        for name in self.manifest.files:
            for _ in self.chunks(name):
                continue

    def extract(self, directory: Path) -> None:
        """Write all files but the account rows below a new, empty directory.

        Raises `UsageError` where there is no room, `OSError` as the system gives it.
        """
        self._require_room(directory)
        for name in self.manifest.files:
            if name != ROWS:
                self._extract(name, directory / name)

    def _extract(self, name: str, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never through a link and never over another file: each is made here, and once.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "wb") as stream:  # noqa: PTH123 - flags are wanted
            stream.writelines(self.chunks(name))
        os.chmod(path, _mode(name))

    def _require_room(self, directory: Path) -> None:
        needed = sum(member.bytes for member in self.manifest.files.values()) + _SPARE_BYTES
        free = shutil.disk_usage(directory).free
        if needed > free:
            raise UsageError(
                "disk_full",
                f"The backup needs {needed:,} bytes, and {directory} has {free:,} left.",
                hint="Make room, or restore somewhere else.",
            )


def _mode(name: str) -> int:
    """Return the mode of a file: a release is read-only, and that of a service can be run."""
    match name.split("/"):
        case ["releases", _, "ostiary", *_]:
            return 0o444
        case ["releases", _, _, *_]:
            return 0o555
    return 0o600


@contextmanager
def opened(file: Path) -> Iterator[ArchiveReader]:
    """Open a backup. Raises `UsageError` or `RefusedError` where it is none."""
    with _open(file) as archive:
        try:
            yield ArchiveReader(archive)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
            raise damaged(f"Its content does not unfold ({type(error).__name__}).") from error


def _open(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except OSError as error:
        raise UsageError("backup_unreadable", f"Cannot read {file}: {error.strerror}.") from error
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, EOFError) as error:
        raise damaged("It is no archive, or was cut.") from error
