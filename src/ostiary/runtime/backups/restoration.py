"""A restored data directory on its way to its place."""

import fcntl
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import sync_file_system
from ostiary.kernel.ids import Random
from ostiary.runtime.backups.manifest import Manifest

_BEING_MADE = ".restoring-"


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """Where to restore to. `database_url` is None for a SQLite store in the directory."""

    data: Path
    database_url: str | None = field(repr=False)


class Restoration:
    """A restored data directory that waits, complete, beside its place. Use it as a context."""

    def __init__(self, manifest: Manifest, made: Path, target: RestoreTarget) -> None:
        self.manifest = manifest
        self.rows: Mapping[str, int] = {}
        self._made = made
        self._target = target
        self._lock: int | None = None

    def hold(self, lock: int) -> None:
        """Keep a lock, by its file descriptor, until this is in place or given up."""
        self._lock = lock

    def give_up(self) -> None:
        """Remove what was made, unless it is in place, and let go of the lock."""
        shutil.rmtree(self._made, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def put_in_place(self, rng: Random) -> Path | None:
        """Give it its name; return where the directory that stood there is kept now, if any.

        Raises `UsageError` where it cannot be renamed; then what stood there stands there.
        """
        target, kept = self._target.data, None
        try:
            # A power cut right after this must not leave a directory of empty files in its place.
            sync_file_system(self._made)
            if target.exists() and any(target.iterdir()):
                kept = target.with_name(f"{target.name}.replaced-{rng.hex(3)}")
                target.rename(kept)
            self._made.rename(target)
        except OSError as error:
            if kept is not None and not target.exists():
                kept.rename(target)
            raise not_written(target, error) from error
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Remove what was made, unless it was put in place."""
        self.give_up()


def locked(directory: Path) -> int:
    """Lock a directory, so that another restore can tell it from what a killed one left."""
    descriptor = os.open(directory, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def remove_abandoned(target: Path) -> None:
    """Remove what a killed restore left; it may hold secrets."""
    for path in target.parent.glob(f".{target.name}{_BEING_MADE}*"):
        with suppress(OSError):
            descriptor = locked(path)
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)


def not_written(path: Path, error: OSError) -> UsageError:
    """Return the problem that something could not be written, which left all as it was."""
    return UsageError(
        "restore_not_written",
        f"{path} cannot be written: {error.strerror}.",
        hint="See whether the disk is full or closed to writing; nothing was restored.",
    )


def place_beside(target: Path, rng: Random) -> Path:
    """Return where to make a data directory: beside its place, so that a rename is enough."""
    return target.with_name(f".{target.name}{_BEING_MADE}{rng.hex(3)}")
