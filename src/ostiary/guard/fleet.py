"""Groups of replicas: started together, stopped in order, buried when they die."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

from ostiary.changes.snapshot import Snapshot
from ostiary.guard import history
from ostiary.guard.patience import journal_failure
from ostiary.guard.seats import LOG_LINES, LastExit
from ostiary.guard.specs import FleetPlace, spec_of, start_seconds_max
from ostiary.guard.threads import in_thread
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal, JournalError
from ostiary.runtime.ports import (
    IDENTITY,
    FailureReason,
    Replica,
    ReplicaFailedError,
    Runtime,
)

__all__ = ["Fleet", "FleetPlace"]

_PORT_TRIES = 3
_LEAVE_SECONDS = 0.3


class Fleet:
    """Starts, stops and buries replicas of snapshots."""

    def __init__(
        self, runtime: Runtime, journal: Journal, place: FleetPlace, *, clock: Clock, rng: Random
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._place = place
        self._clock = clock
        self._rng = rng
        self._stopping: list[Replica] = []

    def is_stopping(self, snapshot: str) -> bool:
        """Return whether a replica of a snapshot may still be answering its last requests."""
        return any(replica.snapshot == snapshot for replica in self._stopping)

    def adopt(self) -> list[Replica]:
        """Return the replicas that an earlier guard started and that still run."""
        return self._runtime.adopt()

    async def start(
        self,
        snapshot: Snapshot,
        seats: Sequence[int],
        launched: Callable[[list[Replica]], None] = lambda _: None,
        *,
        service: str = IDENTITY,
    ) -> list[Replica]:
        """Start a replica of a service for each seat and wait until all are ready.

        `launched` is told them while they are waited for. Raises `OstiaryError` when one of them
        does not get ready; then none stays behind. Ports that somebody else took in the meantime
        are no reason: others are tried.
        """
        seconds_max = start_seconds_max(snapshot, service, self._place)
        for _ in range(_PORT_TRIES - 1):
            replicas = await self.launch(snapshot, seats, service=service)
            launched(replicas)
            try:
                await self.wait_ready(replicas, seconds_max)
            except ReplicaFailedError as error:
                if error.reason is not FailureReason.PORT_TAKEN:
                    raise
            else:
                return replicas
        replicas = await self.launch(snapshot, seats, service=service)
        launched(replicas)
        await self.wait_ready(replicas, seconds_max)
        return replicas

    async def launch(
        self, snapshot: Snapshot, seats: Sequence[int], *, service: str = IDENTITY
    ) -> list[Replica]:
        """Start the process of a replica for each seat without waiting for them.

        Raises `OstiaryError` when one cannot be started. Those started before it have a record,
        and are found by `adopt`.
        """
        return [await self._launch(snapshot, service, seat) for seat in seats]

    async def wait_ready(self, replicas: list[Replica], seconds_max: float | None = None) -> None:
        """Wait until all are ready; when one does not get ready, stop all and raise why."""
        limit = self._place.start_seconds_max if seconds_max is None else seconds_max
        waits = [self._wait_ready(replica, limit) for replica in replicas]
        results = await asyncio.gather(*waits, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            ready = [one for one, result in zip(replicas, results, strict=True) if result is None]
            for one, result in zip(replicas, results, strict=True):
                if isinstance(result, BaseException):
                    await self.bury(one, str(result))
            await self.stop(ready, routed=False)
            raise failures[0]

    async def _wait_ready(self, replica: Replica, seconds_max: float) -> None:
        """Wait for one, and journal how long it took: later starts are held against that."""
        await self._runtime.wait_ready(replica, seconds_max)
        took = (self._clock.now() - datetime.fromisoformat(replica.started_at)).total_seconds()
        data = {"snapshot": replica.snapshot, "seconds": round(took, 2)}
        self._journal.append(history.REPLICA_READY, replica.name, data)

    async def stop(self, replicas: Iterable[Replica], *, routed: bool = True) -> None:
        """Stop replicas in an orderly way, all at once.

        The edge no longer routes to them, and has said so. `routed` says that it did lately: its
        threads may have picked one for a request just before, so it is left a moment to arrive.
        Raises the first error after all have been tried; those that ended are journalled.
        """
        replicas = list(replicas)
        self._stopping += replicas
        try:
            if routed and replicas:
                await asyncio.sleep(_LEAVE_SECONDS)
            stops = (self._runtime.stop(one, self._place.stop_seconds_max) for one in replicas)
            outcomes = await asyncio.gather(*stops, return_exceptions=True)
        finally:
            self._stopping = [each for each in self._stopping if each not in replicas]
        for replica, outcome in zip(replicas, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                continue
            data = {"snapshot": replica.snapshot}
            if outcome is False:
                seconds = f"{self._place.stop_seconds_max:g} s"
                data["message"] = f"It did not end within {seconds} of SIGTERM, and was killed."
            self._journal.append(history.REPLICA_STOPPED, replica.name, data)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def abandon(self, replica: Replica) -> None:
        """Stop a replica that belongs to no group any more; only journal that it does not end.

        Its record stays then, by which whoever stops everything finds it.
        """
        try:
            await self.stop([replica], routed=False)
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            journal_failure(self._journal, "replicas", error)

    def alive(self, replica: Replica) -> bool:
        """Return whether the replica's process runs."""
        return self._runtime.alive(replica)

    def how_it_ended(self, replica: Replica) -> str:
        """Return how a replica ended that no longer runs."""
        return self._runtime.how_it_ended(replica) or "nobody can tell how"

    def memory_mib(self, replica: Replica) -> float:
        """Return how much memory the replica keeps."""
        return self._runtime.memory_mib(replica)

    async def bury(self, replica: Replica, why: str = "died") -> LastExit:
        """Journal the end of a replica that died, hangs or failed; kill what is left of it."""
        was_alive = self.alive(replica)
        how = self._runtime.how_it_ended(replica)
        log = self._runtime.log_tail(replica)[-LOG_LINES:]
        found = f"{why} ({how})" if how and not was_alive else why
        last_exit = LastExit(to_rfc3339(self._clock.now()), found, tuple(log))
        data = {
            "snapshot": replica.snapshot,
            "pid": replica.pid,
            "message": found,
            "log": log,
        }
        self._journal.append(history.REPLICA_DIED, replica.name, data)
        await self._runtime.stop(replica, 0)
        return last_exit

    async def _launch(self, snapshot: Snapshot, service: str, seat: int) -> Replica:
        spec = spec_of(snapshot, service, seat, self._place, self._rng)
        replica = await in_thread(partial(self._runtime.start, spec))
        self._journal.append(
            history.REPLICA_STARTED,
            replica.name,
            {"snapshot": snapshot.id, "pid": replica.pid, "port": replica.port},
        )
        return replica
