"""The port behind which replicas run, and its vocabulary.

`runtime.local` runs replicas as processes of this machine; with `runtime.endpoints` somebody else
runs them, and they are only known. What the port does not promise: that a
replica which is ready also answers users rightly. Journeys find that out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from ostiary.kernel.errors import ExitCode, OstiaryError
from ostiary.kernel.processes import ProcessRecord

IDENTITY = "identity"
"""The login service: the one that runs by Ostiary's own contract, and that is always there."""

_ELSEWHERE = "elsewhere"
"""Written in place of a process where somebody else runs the replica."""


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """What to run: one replica of one service, with everything that it needs to know.

    `name` is unique among all replicas of a data directory. `release` is a content hash,
    `settings` the service's table of the snapshot. `database_url` may hold a password. `seat` is
    the replica's number in its group, from 0; whoever follows it takes the same one. `edge_url` is
    the edge's own address, for services that call others through it.
    """

    service: str
    name: str
    snapshot: str
    release: str
    settings: Mapping[str, Any]
    flags: Mapping[str, Any]
    issuer: str
    database_url: str = field(repr=False)
    status_url: str
    seat: int = 0
    edge_url: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that was started: where it answers, and which process it is.

    `process` is None where somebody else runs it: nothing can be told of it but how it answers.
    `health_port` serves `/live`, `/ready` and `/metrics`; of other services than identity it serves
    the path `health`, and may be the port for users. `started_at` is RFC 3339 in UTC. `seat` is
    its number in its group.
    """

    service: str
    name: str
    snapshot: str
    release: str
    host: str
    port: int
    health_port: int
    process: ProcessRecord | None
    log: Path
    started_at: str
    seat: int = 0
    health: str = ""

    @property
    def is_run_elsewhere(self) -> bool:
        """Return whether somebody else starts and stops it."""
        return self.process is None

    @property
    def own_process(self) -> ProcessRecord:
        """Return its process; raises `ValueError` for a replica that somebody else runs."""
        if self.process is None:
            raise ValueError(f"{self.name} is no process of this machine")
        return self.process

    @property
    def pid(self) -> int | None:
        """Return the id of its process; None for a replica that somebody else runs."""
        return None if self.process is None else self.process.pid

    def to_json(self) -> dict[str, Any]:
        """Return the replica as a JSON object without secrets."""
        # No process yet is null in a record, which is told from one that there never is.
        process = _ELSEWHERE if self.process is None else self.process.to_json()
        return asdict(self) | {"process": process, "log": str(self.log)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Replica":
        """Return the replica in a JSON object; raises `LookupError`, `TypeError`, `ValueError`."""
        return cls(
            service=str(value["service"]),
            name=str(value["name"]),
            snapshot=str(value["snapshot"]),
            release=str(value["release"]),
            host=str(value["host"]),
            port=int(value["port"]),
            health_port=int(value["health_port"]),
            process=_process_in(value["process"]),
            log=Path(value["log"]),
            started_at=str(value["started_at"]),
            # Replicas that an older version started had no seat.
            seat=int(value.get("seat", 0)),
            health=str(value.get("health", "")),
        )


def _process_in(value: Any) -> ProcessRecord | None:  # noqa: ANN401 - any JSON value
    return None if value == _ELSEWHERE else ProcessRecord.from_json(value)


class FailureReason(StrEnum):
    """Why a replica did not get ready."""

    EXITED = "exited"
    TOO_SLOW = "too_slow"
    PORT_TAKEN = "port_taken"
    NOT_STARTED = "not_started"
    NOT_YET = "not_yet"


class ReplicaFailedError(OstiaryError):
    """A replica did not get ready; `log_lines` are its last words, without secrets."""

    exit_code = ExitCode.REHEARSAL_FAILED

    def __init__(
        self, name: str, reason: FailureReason, message: str, log_lines: list[str], hint: str
    ) -> None:
        """Keep the reason apart from the words, for those who decide by it."""
        super().__init__(f"replica_{reason}", message, hint=hint, detail="\n".join(log_lines))
        self.name = name
        self.reason = reason
        self.log_lines = log_lines


class Runtime(Protocol):
    """Starts and stops replicas."""

    def start(self, spec: ReplicaSpec) -> Replica:
        """Start a replica and return without waiting for it.

        Raises `UsageError` where the release is unknown, `OstiaryError` where it was altered and
        `ReplicaFailedError` where no process could be started; then nothing runs.
        """
        ...

    async def wait_ready(self, replica: Replica, seconds_max: float) -> None:
        """Return when the replica says that it is ready.

        Raises `ReplicaFailedError` where it ends before, takes longer, or says by itself that it
        will (reason `NOT_YET`). It is not stopped then.
        """
        ...

    async def stop(self, replica: Replica, seconds_max: float) -> bool:
        """Let the replica drain for up to `seconds_max`, then end it; forget it in any case.

        A replica that no longer runs is only forgotten. Returns whether it ended by itself.
        """
        ...

    def adopt(self) -> list[Replica]:
        """Return the replicas that still run, whoever started them, the oldest first.

        What is left of replicas that no longer run is removed, except their logs.
        """
        ...

    def alive(self, replica: Replica) -> bool:
        """Return whether the replica's process runs; not whether it answers."""
        ...

    def how_it_ended(self, replica: Replica) -> str | None:
        """Return `exit code 3` or `signal SIGKILL`; None where nobody could tell, or it runs."""
        ...

    def memory_mib(self, replica: Replica) -> float:
        """Return the memory that the replica's process keeps for itself, in MiB; 0 without one."""
        ...

    def log_tail(self, replica: Replica, lines: int = 20, *, about: str = "") -> list[str]:
        """Return the last lines of the replica's log, without secrets; also after it has ended.

        With `about`, such as a request's id, only those that hold it, of what is not long ago.
        """
        ...
