"""The append-only journal: what happened, in order, and provably unchanged.

SQLite keeps it; triggers forbid to change or remove an entry, and each entry carries the hash of
the one before, so that an entry that was altered, inserted or removed shows. A second table holds
the place and hash of the last entry: without it a journal cut at its end would look whole. Whoever
can write the file can also write a new chain; `head` gives the value to keep elsewhere against
that.
"""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import UsageError
from ostiary.kernel.hashing import canonical_json
from ostiary.kernel.journal_entries import Entry, Head, Verification, chained
from ostiary.kernel.journal_errors import JournalError, damaged, explained, unopened
from ostiary.kernel.journal_schema import FORMAT, NO_HASH, SCHEMA

__all__ = ["Entry", "Head", "Journal", "JournalError", "Verification"]

_BUSY_SECONDS_MAX = 5.0


class Journal:
    """A journal in one SQLite file. One process writes; its threads may share the object."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the journal, or begin it.

        Raises `UsageError` where a newer Ostiary wrote it, `JournalError` where it cannot be read.
        """
        self._path = path
        self._clock = clock
        self._lock = threading.RLock()
        with self._errors():
            # SQLite would create the file with the rights that the umask leaves.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS_MAX, isolation_level=None, check_same_thread=False
            )
        try:
            with self._errors():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def append(self, kind: str, subject: str | None, data: Mapping[str, Any]) -> Entry:
        """Add an entry; it is on disk when this returns.

        Raises `TypeError` or `ValueError` for data that is no JSON (infinite numbers are none),
        `JournalError` where it cannot be written; then the journal is as it was.
        """
        json.dumps(data, allow_nan=False)
        text = canonical_json(data).decode()
        with self._transaction() as connection:
            last = self._head()
            seq, at = last.seq + 1, to_rfc3339(self._clock.now())
            digest = chained(last.hash, (seq, at, kind, subject, text))
            connection.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)",
                (seq, at, kind, subject, text, digest),
            )
            connection.execute("UPDATE head SET seq = ?, hash = ?", (seq, digest))
        return Entry(seq, at, kind, subject, json.loads(text))

    def entries(
        self, after: int = 0, kind: str | None = None, subject: str | None = None
    ) -> list[Entry]:
        """Return the entries behind place `after`, oldest first; of one kind or subject if given.

        Raises `JournalError` where they cannot be read.
        """
        with self._lock, self._errors():
            rows = self._connection.execute(
                "SELECT seq, at, kind, subject, data FROM entry"
                " WHERE seq > :after AND (:kind IS NULL OR kind = :kind)"
                " AND (:subject IS NULL OR subject = :subject) ORDER BY seq",
                {"after": after, "kind": kind, "subject": subject},
            ).fetchall()
        try:
            return [
                Entry(seq, at, kind, subject, json.loads(data))
                for seq, at, kind, subject, data in rows
            ]
        except ValueError as error:
            raise damaged(self._path, str(error)) from error

    def head(self) -> Head:
        """Return the last entry's place and hash; place 0 for a journal without entries."""
        with self._lock, self._errors():
            return self._head()

    def verify(self) -> Verification:
        """Read the whole chain and compare it with its hashes.

        Raises `JournalError` where the file cannot be read at all.
        """
        with self._lock, self._errors():
            head = self._head()
            rows = self._connection.execute("SELECT * FROM entry ORDER BY seq")
            previous, count = NO_HASH, 0
            for *content, digest in rows:
                count += 1
                if content[0] != count:
                    return Verification(False, count - 1, count, "This entry is missing.")
                if digest != chained(previous, content):
                    return Verification(False, count - 1, count, "This entry was altered.")
                previous = digest
        if (count, previous) != (head.seq, head.hash):
            return Verification(False, count, count + 1, "The entries from here on are missing.")
        return Verification(True, count)

    def close(self) -> None:
        """Close the file; everything appended is in it."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            raise UsageError(
                "journal_newer",
                f"The journal {self._path} has format {found}; this Ostiary knows {FORMAT}.",
                hint="Use the Ostiary that wrote it, or a newer one.",
            )
        if found < FORMAT:
            with self._transaction():
                for statement in SCHEMA:
                    connection.execute(statement)
        self._head()

    def _head(self) -> Head:
        row = self._connection.execute("SELECT seq, hash FROM head").fetchone()
        if row is None:
            raise damaged(self._path, "The table `head` is empty.")
        return Head(*row)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # After some errors, a full disk among them, SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explained(self._path, error) from error
        except OSError as error:
            raise unopened(self._path, error) from error
