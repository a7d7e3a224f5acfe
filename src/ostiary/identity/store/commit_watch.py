"""Whether anybody has committed anything to an SQLite file."""

import sqlite3
import threading
from contextlib import suppress
from pathlib import Path


class CommitWatch:
    """One connection that never writes and so sees the commits of all others. Thread-safe."""

    def __init__(self, path: str | None) -> None:
        """`path` is the file; it need not be there yet."""
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def version(self) -> int | None:
        """Return `PRAGMA data_version`, which every commit changes; None where it is not told."""
        # One at a time: a statement that is under way would hold an earlier state for the others.
        with self._lock:
            try:
                connection = self._connection
                if connection is None:
                    self._connection = connection = self._open()
                found = connection.execute("PRAGMA data_version").fetchall()
            except (sqlite3.Error, OSError):
                self._close()
                return None
        return int(found[0][0])

    def close(self) -> None:
        """Close the connection; it is opened again when it is needed."""
        with self._lock:
            self._close()

    def _open(self) -> sqlite3.Connection:
        if not self._path:
            raise sqlite3.OperationalError
        return sqlite3.connect(
            f"{Path(self._path).absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=0.0,
            isolation_level=None,
            check_same_thread=False,
        )

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
