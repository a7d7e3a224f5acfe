"""A disk of a test's own that fails: an ext4 file system in a file, mounted from it.

The kernel can be told to treat it as it treats one whose disk does not write any longer: at once
read-only, also for files that are open for writing. No other way gives running processes such a
file system; limits and permissions do not stop what is open, nor somebody who is root.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MIB = 256


@dataclass(frozen=True, slots=True)
class Disk:
    """The file and where it is mounted."""

    image: Path
    path: Path

    def mount(self) -> None:
        """Mount it for writing."""
        _as_root("mount", "-o", "loop", str(self.image), str(self.path))

    def fail(self) -> None:
        """Let the file system turn read-only, as after an error of the disk."""
        _as_root("mount", "-o", "remount,abort", str(self.path))

    def mend(self) -> None:
        """Check it and mount it anew; nobody may use it meanwhile."""
        _as_root("umount", str(self.path))
        checked = subprocess.run(
            ["e2fsck", "-fy", str(self.image)],
            env={**os.environ, "PATH": _path()},
            check=False,
            capture_output=True,
            text=True,
        )
        assert checked.returncode in {0, 1}, checked.stdout  # 1: errors, all corrected
        self.mount()


@contextmanager
def failing_disk(directory: Path) -> Iterator[Disk]:
    """Make a disk below a directory; in the end it is mounted no longer."""
    disk = Disk(directory / "disk.img", directory / "disk")
    disk.path.mkdir()
    _make(disk.image, _MIB)
    disk.mount()
    try:
        yield disk
    finally:
        _as_root("umount", "--lazy", str(disk.path))


@cache
def can_mount() -> bool:
    """Return whether this user may mount an ext4 file system from a file here."""
    if shutil.which("mkfs.ext4", path=_path()) is None:
        return False
    with tempfile.TemporaryDirectory(prefix="ostiary-disk-") as name:
        disk = Disk(Path(name) / "disk.img", Path(name) / "disk")
        disk.path.mkdir()
        try:
            _make(disk.image, 1)
            disk.mount()
            _as_root("umount", str(disk.path))
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def _make(image: Path, mib: int) -> None:
    with image.open("wb") as stream:
        stream.truncate(mib * 2**20)
    owner = f"root_owner={os.getuid()}:{os.getgid()}"
    subprocess.run(
        ["mkfs.ext4", "-q", "-F", "-E", owner, str(image)],
        env={**os.environ, "PATH": _path()},
        check=True,
        capture_output=True,
    )


def _as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, *command], check=True, capture_output=True)


def _path() -> str:
    """Return where programs lie, those for administrators included."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
