"""Copies of the account store, each with a directory of its own for all that runs on it.

```
rehearsal/<id>/copy.json      {"schema": name in PostgreSQL or null}, written before the copy
rehearsal/<id>/process.json   the process of a release that works on a store now
rehearsal/<id>/identity.db    the copy of a SQLite store
rehearsal/<id>/replicas/      replicas on the copy, kept apart from those that serve
```

Whoever finds such a directory after a crash knows all that has to go.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.kernel.files import remove, write_atomically
from ostiary.kernel.ids import Random
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.process_end import kill_session
from ostiary.runtime.store_revision import sqlite_file

_RECORD = "copy.json"
_PROCESS = "process.json"
_DATABASE = "identity.db"
_PREFIX = "ostiary_rehearsal_"


@dataclass(frozen=True, slots=True)
class StoreCopy:
    """One copy. `schema` is its name in PostgreSQL, None for a SQLite file."""

    directory: Path
    database_url: str = field(repr=False)
    schema: str | None

    @property
    def target(self) -> dict[str, str]:
        """Return where the copy is to be made, as the maintenance program is asked."""
        if self.schema is None:
            return {"to_file": str(self.directory / _DATABASE)}
        return {"to_schema": self.schema}

    def note_process(self, process: ProcessRecord) -> None:
        """Keep who works on a store, so that the next guard can end it; raises `OSError`."""
        write_atomically(self.directory / _PROCESS, json.dumps(process.to_json()).encode())

    def kill_noted(self) -> None:
        """End the process that was noted last, if it still runs."""
        try:
            kill_session(ProcessRecord.from_json(_read(self.directory / _PROCESS)))
        except (LookupError, TypeError, ValueError):
            return

    def remove_files(self) -> None:
        """Remove the directory, its record last: until then somebody comes back to finish it."""
        for entry in self.directory.iterdir() if self.directory.is_dir() else ():
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _RECORD:
                remove(entry)
        shutil.rmtree(self.directory, ignore_errors=True)


class StoreCopies:
    """The copies of one data directory's store."""

    def __init__(self, directory: Path, database_url: str) -> None:
        """Keep them in `directory`, which need not exist yet."""
        # Resolved, because the process of a replica is found again by this path.
        self._directory = directory.resolve()
        self._url = database_url

    def begin(self, rng: Random) -> StoreCopy:
        """Write down a copy that is about to be made; raises `OSError`."""
        name = rng.hex(6)
        directory = self._directory / name
        directory.mkdir(mode=0o700, parents=True)
        schema = None if sqlite_file(self._url) is not None else f"{_PREFIX}{name}"
        write_atomically(directory / _RECORD, json.dumps({"schema": schema}).encode())
        return self._copy(directory, schema)

    def left_behind(self) -> Iterator[StoreCopy]:
        """Yield every copy that there is a directory of."""
        if not self._directory.is_dir():
            return
        for directory in sorted(self._directory.iterdir()):
            if directory.is_dir():
                schema = _read(directory / _RECORD).get("schema")
                is_ours = isinstance(schema, str) and schema.startswith(_PREFIX)
                yield self._copy(directory, str(schema) if is_ours else None)

    def _copy(self, directory: Path, schema: str | None) -> StoreCopy:
        if schema is None:
            return StoreCopy(directory, f"sqlite:///{directory / _DATABASE}", None)
        return StoreCopy(directory, _looking_in(self._url, schema), schema)


def _looking_in(database_url: str, schema: str) -> str:
    """Return a PostgreSQL URL whose connections see the tables of one schema only."""
    address, _, query = database_url.partition("?")
    given = [each for each in query.split("&") if each]
    options = [each.partition("=")[2] for each in given if each.startswith("options=")]
    others = [each for each in given if not each.startswith("options=")]
    path = f"-csearch_path%3D{schema}"
    return f"{address}?{'&'.join([*others, 'options=' + '%20'.join([*options, path])])}"


def _read(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
