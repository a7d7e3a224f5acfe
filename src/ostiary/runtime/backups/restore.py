"""Restoring a backup: everything is made beside the target, which then changes by one rename."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal
from ostiary.runtime import maintenance_process
from ostiary.runtime.backups.archive_reader import ArchiveReader, opened
from ostiary.runtime.backups.manifest import JOURNAL, SETTINGS, Manifest
from ostiary.runtime.backups.restoration import (
    Restoration,
    RestoreTarget,
    locked,
    not_written,
    place_beside,
    remove_abandoned,
)
from ostiary.runtime.data_directory import LAYOUT, DataDirectory

_DATABASE = "identity.db"
_OPTIONS = "guard.options.json"


def prepare_restoration(
    file: Path, target: RestoreTarget, *, clock: Clock, rng: Random, note: Callable[[str], None]
) -> Restoration:
    """Check a backup and make everything that it holds, beside the target.

    The target is not touched. Raises `RefusedError` for a backup that is damaged or newer, and
    for a database that is not empty, `UsageError` where there is no room.
    """
    with opened(file) as archive:
        manifest = archive.manifest
        _check(manifest, target)
        note(f"Checking the backup of {manifest.created_at} …")
        archive.verify()
        remove_abandoned(target.data)
        made = place_beside(target.data, rng)
        restoration = Restoration(manifest, made, target)
        try:
            made.parent.mkdir(parents=True, exist_ok=True)
            made.mkdir(mode=0o700)
            restoration.hold(locked(made))
            restoration.rows = _fill(archive, made, target, clock, note)
        except OSError as error:
            restoration.give_up()
            raise not_written(made, error) from error
        except BaseException:
            restoration.give_up()
            raise
    return restoration


def _check(manifest: Manifest, target: RestoreTarget) -> None:
    if manifest.layout > LAYOUT:
        raise RefusedError(
            "backup_newer",
            f"The backup has data layout {manifest.layout}; this Ostiary knows {LAYOUT}.",
            hint=f"Restore it with Ostiary {manifest.written_by} or newer.",
        )
    if manifest.database == "postgresql" and target.database_url is None:
        raise UsageError(
            "database_missing",
            "The backup was taken from PostgreSQL.",
            hint="Name an empty database with --database postgresql://…, or "
            f"--database sqlite:///{target.data / _DATABASE} to go on with SQLite.",
        )


def _fill(
    archive: ArchiveReader,
    made: Path,
    target: RestoreTarget,
    clock: Clock,
    note: Callable[[str], None],
) -> dict[str, int]:
    archive.extract(made)
    DataDirectory(made).check()
    _check_journal(made / JOURNAL, clock)
    note("Loading accounts, clients, sessions and keys …")
    database_url = target.database_url
    if database_url is None or _is_inside(database_url, target.data):
        database_url = None
        rows = maintenance_process.load(f"sqlite:///{made / _DATABASE}", archive.lines())
        _use_one_file(made / _DATABASE)
    else:
        rows = maintenance_process.load(database_url, archive.lines())
    _write_options(archive.manifest, made, target.data, database_url)
    os.sync()
    return rows


def _check_journal(path: Path, clock: Clock) -> None:
    with closing(Journal(path, clock)) as journal:
        found = journal.verify()
    if not found.whole:
        raise RefusedError(
            "backup_damaged",
            f"The journal in the backup is not whole: {found.reason}",
            hint="Use another backup; nothing was restored.",
        )


def _is_inside(database_url: str, data: Path) -> bool:
    """Return whether a URL names the SQLite file that a data directory has by itself."""
    scheme, _, path = database_url.partition(":///")
    return scheme.startswith("sqlite") and Path(unquote(path)) == data / _DATABASE


def _use_one_file(path: Path) -> None:
    """Write the database's log into its file, which only its owner may read."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.chmod(path, 0o600)


def _write_options(manifest: Manifest, made: Path, data: Path, database_url: str | None) -> None:
    """Let the next `ostiary up` start as the backed up system was, with the restored files."""
    options = dict(manifest.options)
    if database_url is not None:
        options["database_url"] = database_url
    if SETTINGS in manifest.files:
        options["config"] = str(data / SETTINGS)
    write_atomically(made / _OPTIONS, json.dumps(options).encode())
