"""What stands beside the releases in their directory: copies under way, and altered ones."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STAGING = ".staging-"
"""Beginning of the name of a copy that is not complete yet."""

_ALTERED = ".altered-"


def remove_leftovers(directory: Path) -> None:
    """Remove the copies that a crash has left incomplete."""
    for path in directory.glob(f"{STAGING}*"):
        shutil.rmtree(path, ignore_errors=True)


def put_aside(final: Path) -> None:
    """Keep an altered copy for whoever wants to inspect it, in place of an earlier one."""
    if final.exists():
        altered = final.with_name(f"{_ALTERED}{final.name}")
        shutil.rmtree(altered, ignore_errors=True)
        os.replace(final, altered)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from importing meanwhile; the kernel frees the lock at a crash."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / ".lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
