"""Snapshots: which releases run with which settings, under the name of their content.

A snapshot never changes. What it says has one id, so that two guards, or one guard twice, cannot
mean different things by the same id.
"""

import copy
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.files import write_atomically
from ostiary.kernel.hashing import content_hash

_ID = re.compile(r"s-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The releases by service (content hashes) and all settings that belong to them."""

    id: str
    releases: Mapping[str, str]
    settings: dict[str, Any]

    @classmethod
    def of(cls, releases: Mapping[str, str], settings: Mapping[str, Any]) -> "Snapshot":
        """Return the snapshot with this content; later changes of the arguments do not reach it."""
        content = {"releases": dict(releases), "settings": copy.deepcopy(dict(settings))}
        return cls(
            f"s-{content_hash(content)[:12]}", dict(content["releases"]), content["settings"]
        )


class SnapshotStore:
    """Snapshots as files, one each, named by their ids."""

    def __init__(self, directory: Path) -> None:
        """Keep snapshots in `directory`, which need not exist yet."""
        self._directory = directory

    def add(self, releases: Mapping[str, str], settings: Mapping[str, Any]) -> Snapshot:
        """Keep a snapshot and return it; the same content again changes nothing.

        A file of this id that was damaged is written anew. Raises `OstiaryError` when it cannot
        be written.
        """
        snapshot = Snapshot.of(releases, settings)
        path = self._path(snapshot.id)
        if _read(path) == snapshot:
            return snapshot
        content = {"id": snapshot.id, "releases": snapshot.releases, "settings": snapshot.settings}
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, json.dumps(content, indent=1, sort_keys=True).encode())
        except OSError as error:
            raise OstiaryError(
                "snapshot_not_written",
                f"The snapshot {snapshot.id} cannot be written: {os.strerror(error.errno or 0)}.",
                hint=f"See whether {self._directory} is writable and has space.",
            ) from error
        return snapshot

    def get(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot.

        Raises `UsageError` where there is none of this id, and `OstiaryError` where its file no
        longer says what the id stands for.
        """
        path = self._path(snapshot_id)
        if not _ID.fullmatch(snapshot_id) or not path.exists():
            raise UsageError(
                "snapshot_not_found",
                f"There is no snapshot {snapshot_id}.",
                hint="`ostiary change list` shows the snapshots of all changes.",
            )
        snapshot = _read(path)
        if snapshot is None or snapshot.id != snapshot_id:
            raise OstiaryError(
                "snapshot_damaged",
                f"The file {path} is not what the snapshot {snapshot_id} stands for.",
                hint="It was changed or damaged; restore the file from a backup.",
            )
        return snapshot

    def list_(self) -> list[Snapshot]:
        """Return every snapshot, sorted by id; damaged files raise as in `get`."""
        ids = sorted(path.stem for path in self._directory.glob("s-*.json"))
        return [self.get(snapshot_id) for snapshot_id in ids if _ID.fullmatch(snapshot_id)]

    def _path(self, snapshot_id: str) -> Path:
        return self._directory / f"{snapshot_id}.json"


def _read(path: Path) -> Snapshot | None:
    """Return what a file holds under the id of its content; None for what is no snapshot."""
    try:
        content = json.loads(path.read_bytes())
        releases, settings = content["releases"], content["settings"]
        if set(content) != {"id", "releases", "settings"}:
            return None
        snapshot = Snapshot.of(releases, settings)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return snapshot if content["id"] == snapshot.id else None
