"""The data directory: its layout, its one guard, its secrets and its traces."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary import __version__
from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.ids import Random
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime import guard_lock, store_key
from ostiary.runtime.secret_files import create_secret
from ostiary.runtime.traces import write_trace
from ostiary.runtime.unusable import not_usable

__all__ = ["LAYOUT", "DataDirectory", "write_trace"]

LAYOUT = 1
"""What this program can read and write; a directory of another layout is not touched."""

_SUBDIRECTORIES = ("secrets", "releases", "snapshots", "replicas", "edge", "traces")
_NOT_OURS = {"lost+found"}


class DataDirectory:
    """One `ostiary-data/`; everything that one system keeps stands in it."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is read or written yet."""
        self.path = path.expanduser().absolute()

    @property
    def journal(self) -> Path:
        """The guard's journal."""
        return self.path / "guard.db"

    @property
    def is_new(self) -> bool:
        """Whether no guard has worked here yet; what cannot be read is new until it is used."""
        try:
            return not self.journal.exists()
        except OSError:
            return True

    @property
    def releases(self) -> Path:
        """Where releases are kept."""
        return self.path / "releases"

    @property
    def snapshots(self) -> Path:
        """Where snapshots are kept."""
        return self.path / "snapshots"

    @property
    def edge(self) -> Path:
        """Where the edge keeps its files."""
        return self.path / "edge"

    @property
    def admin_token_file(self) -> Path:
        """The secret by which the guard speaks to identity's admin API."""
        return self.path / "secrets" / "admin.token"

    @property
    def edge_token_file(self) -> Path:
        """The secret by which a replica knows the edge."""
        return self.path / "secrets" / "edge.token"

    @property
    def store_key_file(self) -> Path:
        """The key that secrets in the account store are sealed under; see `store_key`."""
        return store_key.location(self.path)

    def prepare(self, rng: Random) -> None:
        """Make the directory and what is missing in it; a second time changes nothing.

        Raises `UsageError` where the path cannot be a data directory: a file, not writable, a
        directory of something else, or one of another layout. Raises `RefusedError` where the
        store key is missing and secrets may be sealed under it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.check():
                self._claim()
            os.chmod(self.path, 0o700)
            for name in _SUBDIRECTORIES:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            for file in (self.admin_token_file, self.edge_token_file):
                create_secret(file, rng)
            store_key.prepare(self.path, rng, is_new=not self.journal.exists())
            # Permissions do not tell everything: a file system can be read-only or full.
            with tempfile.TemporaryFile(dir=self.path) as stream:
                stream.write(b"writable")
        except OSError as error:
            raise not_usable(self.path, error) from error

    def check(self) -> bool:
        """Return whether this is a data directory; False where it is missing or empty.

        Raises `UsageError` where it belongs to something else or has another layout.
        """
        try:
            layout = json.loads((self.path / "layout.json").read_bytes())
            number, writer = int(layout["layout"]), str(layout["written_by"])
        except FileNotFoundError:
            return False
        except OSError as error:
            raise not_usable(self.path, error) from error
        except (ValueError, LookupError, TypeError):
            raise UsageError(
                "data_directory_damaged",
                f"{self.path / 'layout.json'} cannot be understood.",
                hint="Restore the file from a backup, or name another directory with --data.",
            ) from None
        if number > LAYOUT:
            raise UsageError(
                "data_directory_newer",
                f"{self.path} was written by Ostiary {writer} (layout {number}); this is Ostiary "
                f"{__version__}, which knows layout {LAYOUT}.",
                hint=f"Use Ostiary {writer} or newer, or name another directory with --data.",
            )
        return True

    def _claim(self) -> None:
        """Make an empty directory a data directory."""
        others = [
            entry.name
            for entry in self.path.iterdir()
            # A crash may have left the temporary file of the layout behind.
            if entry.name not in _NOT_OURS and not entry.name.startswith(".layout.json.")
        ]
        if others:
            raise UsageError(
                "data_directory_foreign",
                f"{self.path} is not empty and is no data directory of Ostiary.",
                hint="Name an empty or a new directory with --data.",
            )
        content = json.dumps({"layout": LAYOUT, "written_by": __version__})
        write_atomically(self.path / "layout.json", content.encode())

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """Be the one guard of this directory until the block ends, or the process does.

        Raises `UsageError` where another guard runs, and where there is no data directory.
        """
        if not self.check():
            raise UsageError(
                "data_directory_missing",
                f"{self.path} is no data directory of Ostiary.",
                hint="Name one with --data; `ostiary up` makes one.",
            )
        with guard_lock.acquire(self.path):
            yield

    def running_guard(self) -> ProcessRecord | None:
        """Return the process of the guard that runs here; None where none does."""
        return guard_lock.running(self.path)

    def write_trace(self, error: BaseException) -> Path | None:
        """Keep the trace of a bug for a report; see `write_trace`."""
        return write_trace(self.path, error)
