"""Replicas that somebody else runs: addresses in the settings of their service.

Nothing is started or stopped here. What is kept of a member is a record, by which the next guard
knows what the edge routes to; whether the member answers, its health path tells. A member that is
down is told, and not replaced: whoever runs it brings it back.
"""

from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.runtime.addresses import read_address
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError, ReplicaSpec
from ostiary.runtime.replica_files import ReplicaFiles
from ostiary.runtime.service_readiness import why_not_healthy

_SECONDS_BETWEEN: Final = 0.2


class EndpointsRuntime:
    """Knows the members of one data directory's services that somebody else runs."""

    def __init__(self, data: Path, *, clock: Clock) -> None:
        """Keep records in `data/endpoints`."""
        self._files = ReplicaFiles(data / "endpoints")
        self._clock = clock

    def start(self, spec: ReplicaSpec) -> Replica:
        """Take the address of a seat as a replica; see `Runtime.start`."""
        if self._files.has_record(spec.name):
            raise UsageError("replica_exists", f"There is a replica {spec.name} already.")
        host, port = read_address(_address(spec))
        replica = Replica(
            service=spec.service,
            name=spec.name,
            snapshot=spec.snapshot,
            release=spec.release,
            host=host,
            port=port,
            health_port=port,
            process=None,
            log=self._files.log(spec.name),
            started_at=to_rfc3339(self._clock.now()),
            seat=spec.seat,
            health=str(spec.settings["health"]),
        )
        self._files.write_record(spec.name, replica.to_json())
        return replica

    async def wait_ready(self, replica: Replica, seconds_max: float) -> None:
        """Return when a member is healthy; see `Runtime.wait_ready`."""
        why: str | None = "it was not asked"
        with anyio.move_on_after(seconds_max):
            while True:
                why = await anyio.to_thread.run_sync(why_not_healthy, replica)
                if why is None:
                    return
                await anyio.sleep(_SECONDS_BETWEEN)
        raise ReplicaFailedError(
            replica.name,
            FailureReason.TOO_SLOW,
            f"The member {replica.host}:{replica.port} of {replica.service} was not ready within "
            f"{seconds_max:g} s: {why}.",
            [],
            hint="Whoever runs it has to start it, or the settings name another address.",
        )

    async def stop(self, replica: Replica, seconds_max: float) -> bool:  # noqa: ARG002 - the port's
        """Forget a member, which goes on by itself; see `Runtime.stop`."""
        await anyio.to_thread.run_sync(self._files.forget, replica.name)
        return True

    def adopt(self) -> list[Replica]:
        """Return the members that an earlier guard took; see `Runtime.adopt`."""
        self._files.remove_leftovers()
        records = self._files.records()
        for record in records:
            if record.replica is None:
                self._files.forget(record.name)
        found = [record.replica for record in records if record.replica is not None]
        return sorted(found, key=lambda replica: (replica.started_at, replica.name))

    def alive(self, replica: Replica) -> bool:  # noqa: ARG002 - the port's
        """Return that nobody knows of its end: there is no process to look at."""
        return True

    def how_it_ended(self, replica: Replica) -> str | None:  # noqa: ARG002 - the port's
        """Return None: nobody can tell."""
        return None

    def memory_mib(self, replica: Replica) -> float:  # noqa: ARG002 - the port's
        """Return 0: its memory is on a machine of somebody else's."""
        return 0.0

    def log_tail(
        self,
        replica: Replica,  # noqa: ARG002 - the port's
        lines: int = 20,  # noqa: ARG002 - the port's
        *,
        about: str = "",  # noqa: ARG002 - the port's
    ) -> list[str]:
        """Return nothing: its log is where it runs."""
        return []


def _address(spec: ReplicaSpec) -> str:
    """Return the address of a seat; raises `OstiaryError` where the group has no such seat."""
    group = spec.settings["groups"].get(spec.settings["group"], ())
    if spec.seat >= len(group):
        raise OstiaryError(
            "no_such_member",
            f"The service {spec.service} has no member {spec.seat + 1} in its group.",
        )
    return str(group[spec.seat])
