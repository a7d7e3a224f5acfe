"""The files of local replicas: record, configuration and log, each named after its replica."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import remove, write_atomically
from ostiary.runtime.ports import IDENTITY, Replica, ReplicaSpec
from ostiary.runtime.redaction import passwords_in

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_CONFIG = ".config.json"
_OLD_LOGS_MAX = 50


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a replica, by its record.

    `replica` is None where the record was written before the process started, or is damaged;
    `content` is then what can be read of it.
    """

    name: str
    replica: Replica | None
    content: Mapping[str, Any]


class ReplicaFiles:
    """Reads and writes the files in `replicas/`. Only one guard at a time writes there."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`, which need not exist yet."""
        self.directory = directory

    def config(self, name: str) -> Path:
        """Return the configuration file of a replica; raises `UsageError` for an unsafe name."""
        return self.directory / f"{_checked(name)}{_CONFIG}"

    def log(self, name: str) -> Path:
        """Return the log of a replica; raises `UsageError` for an unsafe name."""
        return self.directory / f"{_checked(name)}.log"

    def _record(self, name: str) -> Path:
        return self.directory / f"{_checked(name)}.json"

    def write_record(self, name: str, content: Mapping[str, Any]) -> None:
        """Write what is known of a replica; raises `OSError` as the system gives it."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._record(name), json.dumps(content, indent=1).encode())

    def write_config(self, name: str, content: Mapping[str, Any]) -> None:
        """Write the configuration, which holds secrets; raises `OSError`."""
        write_atomically(self.config(name), json.dumps(content).encode(), mode=0o600)

    def has_record(self, name: str) -> bool:
        """Return whether a replica of this name is known."""
        return self._record(name).exists()

    def records(self) -> list[Record]:
        """Return every record, sorted by name."""
        paths = sorted(self.directory.glob("*.json"))
        return [_read(path) for path in paths if not path.name.endswith(_CONFIG)]

    def recorded_ports(self) -> set[int]:
        """Return the ports of every replica that is known, also of those that start only now."""
        return {
            port
            for record in self.records()
            for port in (record.content.get("port"), record.content.get("health_port"))
            if isinstance(port, int)
        }

    def name_of_config(self, path: Path) -> str | None:
        """Return the name of the replica whose configuration stands at `path`, if it is here."""
        name = path.name.removesuffix(_CONFIG)
        known = path.parent == self.directory and path.name != name and _NAME.fullmatch(name)
        return name if known else None

    def database_passwords(self, name: str) -> set[str]:
        """Return the password in a replica's database URL; none where there is none."""
        try:
            return passwords_in(str(json.loads(self.config(name).read_bytes())["database_url"]))
        except (OSError, ValueError, LookupError, TypeError):
            return set()

    def forget(self, name: str) -> None:
        """Remove record and configuration; the log stays, among the newest fifty."""
        # The record goes last: as long as it stands, somebody will come back to finish this.
        # On a read-only file system both stay, and whoever writes there next finds nobody running.
        remove(self.config(name))
        remove(self._record(name))
        self._remove_old_logs()

    def remove_leftovers(self) -> None:
        """Remove half-written files that a crash left behind; they may hold secrets."""
        for path in self.directory.glob(".*.json.*"):
            remove(path)

    def _remove_old_logs(self) -> None:
        unused = [log for log in self.directory.glob("*.log") if not self.has_record(log.stem)]
        for log in _oldest_first(unused)[:-_OLD_LOGS_MAX]:
            remove(log)
            remove(log.with_name(f"{log.name}.1"))


def first_record(
    spec: ReplicaSpec, host: str, ports: Sequence[int], *, log: Path, started_at: str
) -> dict[str, Any]:
    """Return what is written of a replica before its process starts."""
    port, health_port = ports
    record = {
        "service": spec.service,
        "name": spec.name,
        "snapshot": spec.snapshot,
        "release": spec.release,
        "host": host,
        "port": port,
        "health_port": health_port,
        "process": None,
        "log": str(log),
        "started_at": started_at,
        "seat": spec.seat,
    }
    if spec.service != IDENTITY:
        record["health"] = spec.settings["health"]
        record["health_port"] = health_port if spec.settings["health_port"] else port
    return record


def _oldest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError("replica_name", f"{name[:100]!r} is no name for a replica.")
    return name


def _read(path: Path) -> Record:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        return Record(path.stem, None, {})
    try:
        return Record(path.stem, Replica.from_json(content), content)
    except (LookupError, TypeError, ValueError):
        return Record(path.stem, None, content)
