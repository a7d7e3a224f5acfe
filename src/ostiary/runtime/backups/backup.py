"""Taking a backup of a data directory and its account store, while everything goes on."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostiary import __version__
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.runtime import maintenance_process, store_key
from ostiary.runtime.backups.archive_writer import ArchiveWriter, require_new, write_archive
from ostiary.runtime.backups.manifest import (
    JOURNAL,
    LAYOUT_FILE,
    ROWS,
    SETTINGS,
    Manifest,
)
from ostiary.runtime.data_directory import LAYOUT, DataDirectory

_DIRECTORIES = ("snapshots", "releases")
_TAIL_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What is backed up.

    `options` are those of `ostiary up` that hold no secret; `settings` is its settings file.
    """

    data: DataDirectory
    database_url: str = field(repr=False)
    options: Mapping[str, Any]
    settings: Path | None
    with_secrets: bool

    @property
    def database(self) -> str:
        """Return the kind of the account store."""
        return "sqlite" if self.database_url.startswith("sqlite") else "postgresql"


def take_backup(
    source: BackupSource, file: Path, *, clock: Clock, note: Callable[[str], None]
) -> dict[str, Any]:
    """Write a backup to `file` and return what is in it.

    The account rows are one state of the store; journal, snapshots and releases are taken so that
    whatever the journal names is there. Raises `UsageError` where there is nothing to back up or
    the file cannot be written, `MaintenanceError` where the store cannot be read.
    """
    _require_data(source.data)
    require_new(file)
    written: list[Manifest] = []

    def fill(archive: ArchiveWriter) -> None:
        # Kept out: a rotation would seal rows under a key that this archive does not hold.
        with store_key.rotation_lock(source.data.path):
            written.append(_fill(archive, source, clock, note))

    length = write_archive(file, fill)
    return _result(file, length, written[0])


def _require_data(data: DataDirectory) -> None:
    if not data.check() or not data.journal.exists():
        raise UsageError(
            "data_directory_missing",
            f"{data.path} is no data directory of a system that was started.",
            hint="Name one with --data; `ostiary up` makes one.",
        )


def _fill(
    archive: ArchiveWriter, source: BackupSource, clock: Clock, note: Callable[[str], None]
) -> Manifest:
    created_at = to_rfc3339(clock.now())
    note("Reading accounts, clients, sessions and keys …")
    tail = _Tail(maintenance_process.dump(source.database_url))
    archive.add(ROWS, tail)
    note("Copying journal, snapshots and releases …")
    # The journal first: what it names exists by then, and is never removed.
    archive.add(JOURNAL, [_journal(source.data.journal)])
    archive.add_file(LAYOUT_FILE, source.data.path / LAYOUT_FILE)
    for name, path in _files(source):
        archive.add_file(name, path)
    key_name = f"secrets/{store_key.FILE}"
    manifest = Manifest(
        written_by=__version__,
        created_at=created_at,
        layout=LAYOUT,
        database=source.database,
        secrets=source.with_secrets,
        store_key=key_name in archive.files,
        options=source.options,
        rows=tail.counts(),
        files=archive.files,
    )
    archive.finish(manifest)
    return manifest


def _files(source: BackupSource) -> Iterator[tuple[str, Path]]:
    """Yield every file that is copied as it is, with its name in the archive."""
    root = source.data.path
    for directory in _DIRECTORIES:
        for path in sorted((root / directory).rglob("*")):
            name = path.relative_to(root)
            # What begins with a point is being written, or was set aside.
            hidden = any(part.startswith(".") for part in name.parts)
            if not hidden and path.is_file() and not path.is_symlink():
                yield name.as_posix(), path
    yield from _secrets(source)
    if source.settings is not None and source.settings.is_file():
        yield SETTINGS, source.settings


def _secrets(source: BackupSource) -> Iterator[tuple[str, Path]]:
    directory = source.data.path / "secrets"
    identity = directory / store_key.ID_FILE
    if identity.exists():
        yield f"secrets/{identity.name}", identity
    if not source.with_secrets:
        return
    for path in sorted(directory.iterdir()):
        left_out = path.name in {store_key.ID_FILE, store_key.ELSEWHERE_FILE}
        if path.is_file() and not path.name.startswith(".") and not left_out:
            yield f"secrets/{path.name}", path


def _journal(path: Path) -> bytes:
    """Return a whole copy of the journal, by SQLite's online backup."""
    try:
        with (
            closing(sqlite3.connect(path)) as original,
            closing(sqlite3.connect(":memory:")) as copy,
        ):
            original.backup(copy)
            return bytes(copy.serialize())
    except sqlite3.Error as error:
        raise RefusedError(
            "journal_unreadable", f"The journal {path} cannot be read: {error}."
        ) from error


class _Tail:
    """Passes pieces on and keeps the last ones, in which the counts stand."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._kept = b""

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._kept = (self._kept + piece)[-_TAIL_BYTES:]
            yield piece

    def counts(self) -> dict[str, int]:
        """Return how many rows each table had."""
        last = self._kept.strip().rpartition(b"\n")[2]
        return {str(name): int(count) for name, count in json.loads(last)["rows"].items()}


def _result(file: Path, length: int, manifest: Manifest) -> dict[str, Any]:
    return {
        "file": str(file),
        "bytes": length,
        "created_at": manifest.created_at,
        "database": manifest.database,
        "tables": dict(manifest.rows),
        "rows": sum(manifest.rows.values()),
        "files": len(manifest.files),
        "secrets": manifest.secrets,
        "store_key": manifest.store_key,
    }
