"""Which processes of a drill's system run, by their records on disk.

The guard is not asked: it may stand still, or be the one that was killed.
"""

import json
import signal
from pathlib import Path
from typing import Final

from ostiary.drills.injection.effect import wait_until
from ostiary.kernel import processes
from ostiary.kernel.clock import Clock
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.ports import IDENTITY, Replica
from ostiary.runtime.replica_files import ReplicaFiles

_END_SECONDS_MAX: Final = 10.0


def replicas(data: Path) -> list[Replica]:
    """Return the replicas of the login service whose process lives, by seat and start."""
    found = [record.replica for record in ReplicaFiles(data / "replicas").records()]
    alive = [
        one
        for one in found
        if one is not None
        and one.service == IDENTITY
        and one.process is not None
        and processes.is_alive(one.process)
    ]
    return sorted(alive, key=lambda one: (one.seat, one.started_at))


def envoys(data: Path) -> list[ProcessRecord]:
    """Return the Envoys that live, by their numbers."""
    records = (_record(path, "record") for path in sorted((data / "edge").glob("envoy-*.json")))
    return [record for record in records if record is not None]


def guard(data: Path) -> ProcessRecord | None:
    """Return the guard, also one that only starts; None where there is none."""
    return DataDirectory(data).running_guard()


def keeper(data: Path) -> ProcessRecord | None:
    """Return the process that starts the guard again; None where there is none."""
    return _record(data / "keeper.json")


def kill(record: ProcessRecord, clock: Clock) -> None:
    """End a process at once, and return when it has ended. One that has ended is no error.

    Raises `FaultNotInjectableError` where it goes on for ten seconds all the same.
    """
    processes.send_signal(record, signal.SIGKILL)
    wait_until(
        lambda: not processes.is_alive(record),
        clock,
        _END_SECONDS_MAX,
        f"process {record.pid} does not end",
    )


def _record(path: Path, key: str | None = None) -> ProcessRecord | None:
    """Return the living process that a file names; None where there is none."""
    try:
        value = json.loads(path.read_bytes())
        record = ProcessRecord.from_json(value[key] if key else value)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return record if processes.is_alive(record) else None
