"""Replicas as processes of this machine, each in a session of its own.

A replica outlives the guard. Its record is written before its process starts and again afterwards:
whenever a guard dies, the next one finds either the process in the record, or the process by the
configuration file in its arguments, or that there is no process.
"""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread

from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.processes import how_it_ended, is_alive, spawn
from ostiary.runtime import resources, service_process
from ostiary.runtime.adoption import revived, running_replicas
from ostiary.runtime.free_ports import choose_ports
from ostiary.runtime.launching import Launching
from ostiary.runtime.log_tail import log_tail
from ostiary.runtime.ports import IDENTITY, Replica, ReplicaFailedError, ReplicaSpec
from ostiary.runtime.process_end import (
    ended_by_itself,
    kill_session,
    killed_with_session,
)
from ostiary.runtime.readiness import WaitingError, wait_until_ready
from ostiary.runtime.redaction import passwords_in, read_secret
from ostiary.runtime.releases import Release, ReleaseStore
from ostiary.runtime.replica_failures import (
    ended_early,
    no_such_program,
    not_started,
    not_yet,
    too_slow,
)
from ostiary.runtime.replica_files import Record, ReplicaFiles, first_record
from ostiary.runtime.service_readiness import why_not_ready

_HOST = "127.0.0.1"


class LocalRuntime:
    """Runs replicas of one data directory; one guard at a time uses it."""

    def __init__(
        self,
        data: Path,
        releases: ReleaseStore,
        *,
        clock: Clock,
        admin_token_file: Path,
        edge_token_file: Path,
        store_key_file: Path,
        python: Path = Path(sys.executable),
    ) -> None:
        """Keep files in `data/replicas`; `python` is the interpreter with the dependencies."""
        data = data.resolve()  # Because a process is also found again by this path.
        self._files = ReplicaFiles(data / "replicas")
        self._releases = releases
        self._clock = clock
        self._tokens = {
            "admin_token_file": admin_token_file.absolute(),
            "edge_token_file": edge_token_file.absolute(),
            "store_key_file": store_key_file.absolute(),
        }
        self._launching = Launching(python, self._tokens, data / "services")
        self._passwords: set[str] = set()
        self._choosing = threading.Lock()

    def start(self, spec: ReplicaSpec) -> Replica:
        """Start a replica; see `Runtime.start`. Several threads may do so at once."""
        if self._files.has_record(spec.name):
            raise UsageError("replica_exists", f"There is a replica {spec.name} already.")
        release = self._releases.for_start(spec.release, compiled=(own := spec.service == IDENTITY))
        self._passwords = self._passwords | passwords_in(spec.database_url)
        self._passwords |= set() if own else service_process.secrets_of(spec.settings)
        try:
            return self._start(spec, release)
        except OSError as error:
            self._files.forget(spec.name)
            if not own and isinstance(error, (FileNotFoundError, PermissionError)):
                raise no_such_program(spec.name, error) from error
            raise not_started(spec.name, error) from error
        except OstiaryError:
            self._files.forget(spec.name)
            raise

    def _start(self, spec: ReplicaSpec, release: Release) -> Replica:
        config, log = self._files.config(spec.name), self._files.log(spec.name)
        record = self._recorded(spec, log)
        address = {name: record[name] for name in ("host", "port", "health_port")}
        launch = self._launching.of(spec, release, address, config)
        self._files.write_config(spec.name, launch.content)
        process = spawn(
            launch.arguments,
            log=log,
            cwd=release.directory,
            environment=launch.environment,
            limits=launch.limits,
        )
        replica = Replica.from_json(record | {"process": process.to_json()})
        try:
            self._files.write_record(spec.name, replica.to_json())
        except OSError:
            kill_session(process)
            raise
        return replica

    def _recorded(self, spec: ReplicaSpec, log: Path) -> dict[str, Any]:
        """Choose the ports of a replica and write them down, so that nobody else chooses them."""
        seed = str(self._files.config(spec.name))
        with self._choosing:
            taken = self._files.recorded_ports()
            ports = choose_ports(_HOST, 2, seed=seed, taken=taken)
            started_at = to_rfc3339(self._clock.now())
            record = first_record(spec, _HOST, ports, log=log, started_at=started_at)
            self._files.write_record(spec.name, record)
        return record

    async def wait_ready(self, replica: Replica, seconds_max: float) -> None:
        """Wait until a replica says that it is ready; see `Runtime.wait_ready`."""
        ready_by = self._clock.now().timestamp() + seconds_max
        try:
            with anyio.move_on_after(seconds_max):
                if await wait_until_ready(replica, self.alive, ready_by=ready_by):
                    return
                raise ended_early(replica, self.log_tail(replica), self.how_it_ended(replica))
        except WaitingError as waiting:
            raise self._not_yet(replica, waiting) from None
        why = await anyio.to_thread.run_sync(why_not_ready, replica) if replica.health else None
        raise too_slow(replica, seconds_max, self.log_tail(replica), why)

    def _not_yet(self, replica: Replica, waiting: WaitingError) -> ReplicaFailedError:
        possible = datetime.fromtimestamp(waiting.ready_at, UTC)
        seconds = (possible - self._clock.now()).total_seconds()
        return not_yet(replica, waiting.problem, seconds=seconds, possible_at=to_rfc3339(possible))

    async def stop(self, replica: Replica, seconds_max: float) -> bool:
        """Let a replica drain, then end it and forget it; see `Runtime.stop`.

        Raises `OstiaryError`, and keeps the record, where the kernel does not end the process.
        """
        by_itself = await ended_by_itself(
            replica.own_process, seconds_max, whole_session=bool(replica.health)
        )
        if not await killed_with_session(replica.own_process):
            pid = replica.own_process.pid
            raise OstiaryError(
                "replica_not_stopped",
                f"Replica {replica.name} (pid {pid}) does not end, even by SIGKILL.",
                hint="Its process waits in the kernel, mostly for a disk or network file system.",
            )
        await anyio.to_thread.run_sync(self._files.forget, replica.name)
        return by_itself

    def adopt(self) -> list[Replica]:
        """Return the replicas that still run; see `Runtime.adopt`.

        A replica that runs without a usable record is killed: nobody could say what it is.
        """
        self._files.remove_leftovers()
        running = running_replicas(self._files)
        adopted = []
        for record in self._files.records():
            self._passwords = self._passwords | self._files.database_passwords(record.name)
            replica = revived(self._files, record, running.get(record.name))
            if replica is None:
                self._clean_up(record)
            else:
                adopted.append(replica)
                running.pop(record.name, None)
        for process in running.values():
            kill_session(process)
        return sorted(adopted, key=lambda replica: (replica.started_at, replica.name))

    def alive(self, replica: Replica) -> bool:
        """Return whether the replica's process runs."""
        return is_alive(replica.own_process)

    def how_it_ended(self, replica: Replica) -> str | None:
        """Return how a replica's process ended; see `Runtime.how_it_ended`."""
        return how_it_ended(replica.own_process)

    def memory_mib(self, replica: Replica) -> float:
        """Return the memory that a replica keeps; see `Runtime.memory_mib`."""
        return resources.memory_mib(replica.own_process)

    def log_tail(self, replica: Replica, lines: int = 20, *, about: str = "") -> list[str]:
        """Return the last lines of a replica's log; see `Runtime.log_tail`."""
        tokens = {read_secret(path) for path in self._tokens.values()}
        return log_tail(replica.log, lines, secrets=tokens | self._passwords, about=about)

    def _clean_up(self, record: Record) -> None:
        if record.replica is not None:
            kill_session(record.replica.own_process)
        self._files.forget(record.name)
