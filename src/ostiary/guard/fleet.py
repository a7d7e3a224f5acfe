"""Groups of replicas: started together, replaced one by one when they die, stopped in order."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.history import REPLICA_DIED, REPLICA_STARTED, REPLICA_STOPPED
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random, new_id
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import (
    FailureReason,
    Replica,
    ReplicaFailedError,
    ReplicaSpec,
    Runtime,
)

SERVICE = "identity"
_LOG_LINES = 5
_PORT_TRIES = 3
_PAUSE_SECONDS_MIN = 0.5
_PAUSE_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class FleetPlace:
    """What all replicas of one data directory share."""

    issuer: str
    database_url: str
    status_url: str
    start_seconds_max: float
    stop_seconds_max: float


class Fleet:
    """Starts, replaces and stops replicas of snapshots."""

    def __init__(
        self, runtime: Runtime, journal: Journal, place: FleetPlace, *, clock: Clock, rng: Random
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._place = place
        self._clock = clock
        self._rng = rng
        self._pauses: dict[str, float] = {}
        self._not_before: dict[str, float] = {}

    def adopt(self) -> list[Replica]:
        """Return the replicas that an earlier guard started and that still run."""
        return self._runtime.adopt()

    async def start(self, snapshot: Snapshot, count: int) -> list[Replica]:
        """Start `count` replicas and wait until all are ready.

        Raises `OstiaryError` when one of them does not get ready; then none stays behind. Ports
        that somebody else took in the meantime are no reason: others are tried.
        """
        for _ in range(_PORT_TRIES - 1):
            replicas = self.launch(snapshot, count)
            try:
                await self.wait_ready(replicas)
            except ReplicaFailedError as error:
                if error.reason is not FailureReason.PORT_TAKEN:
                    raise
            else:
                return replicas
        replicas = self.launch(snapshot, count)
        await self.wait_ready(replicas)
        return replicas

    def launch(self, snapshot: Snapshot, count: int) -> list[Replica]:
        """Start the processes of `count` replicas without waiting for them.

        Raises `OstiaryError` when one cannot be started. Those started before it have a record,
        and are found by `adopt`.
        """
        return [self._launch(snapshot) for _ in range(count)]

    async def wait_ready(self, replicas: list[Replica]) -> None:
        """Wait until all are ready; when one does not get ready, stop all and raise why."""
        waits = [
            self._runtime.wait_ready(replica, self._place.start_seconds_max) for replica in replicas
        ]
        results = await asyncio.gather(*waits, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            await self.stop(replicas)
            raise failures[0]

    async def stop(self, replicas: Iterable[Replica]) -> None:
        """Stop replicas in an orderly way, all at once."""
        replicas = list(replicas)
        await asyncio.gather(
            *(self._runtime.stop(replica, self._place.stop_seconds_max) for replica in replicas)
        )
        for replica in replicas:
            self._journal.append(REPLICA_STOPPED, replica.name, {"snapshot": replica.snapshot})

    def alive(self, replica: Replica) -> bool:
        """Return whether the replica's process runs."""
        return self._runtime.alive(replica)

    async def drop_dead(self, replicas: list[Replica]) -> list[Replica]:
        """Return the members that live; the death of the others is journalled."""
        living = [replica for replica in replicas if self.alive(replica)]
        for replica in replicas:
            if replica not in living:
                data = {
                    "snapshot": replica.snapshot,
                    "pid": replica.process.pid,
                    "log": self._runtime.log_tail(replica)[-_LOG_LINES:],
                }
                self._journal.append(REPLICA_DIED, replica.name, data)
                await self._runtime.stop(replica, 0)
        return living

    async def fill_up(
        self, snapshot: Snapshot, replicas: list[Replica], count: int
    ) -> list[Replica]:
        """Return the group brought back to `count` members where the pause allows a start."""
        missing = count - len(replicas)
        now = self._clock.monotonic()
        if missing <= 0 or now < self._not_before.get(snapshot.id, 0.0):
            return replicas
        pause = self._pauses.get(snapshot.id, _PAUSE_SECONDS_MIN)
        self._pauses[snapshot.id] = min(pause * 2, _PAUSE_SECONDS_MAX)
        self._not_before[snapshot.id] = now + pause
        try:
            return [*replicas, *await self.start(snapshot, missing)]
        except OstiaryError as error:
            self._journal.append(
                REPLICA_DIED, None, {"snapshot": snapshot.id, "message": error.message}
            )
            return replicas

    def settle_pauses(self, snapshot: Snapshot, *, steady_seconds: float) -> None:
        """Forget the pauses of a group that has run steadily for a while."""
        if self._clock.monotonic() - self._not_before.get(snapshot.id, 0.0) > steady_seconds:
            self._pauses.pop(snapshot.id, None)

    def _launch(self, snapshot: Snapshot) -> Replica:
        settings = snapshot.settings
        replica = self._runtime.start(
            ReplicaSpec(
                service=SERVICE,
                name=new_id(SERVICE, self._rng),
                snapshot=snapshot.id,
                release=snapshot.releases[SERVICE],
                settings=settings["identity"],
                flags=settings["flags"],
                issuer=self._place.issuer,
                database_url=self._place.database_url,
                status_url=self._place.status_url,
            )
        )
        self._journal.append(
            REPLICA_STARTED,
            replica.name,
            {"snapshot": snapshot.id, "pid": replica.process.pid, "port": replica.port},
        )
        return replica
