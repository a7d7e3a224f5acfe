"""Bringing back what dies. Every concern has a loop of its own, so that none waits for another."""

import asyncio
from dataclasses import dataclass

from ostiary.guard.edge_keeper import EdgeKeeper
from ostiary.guard.log_keeper import LogKeeper
from ostiary.guard.replica_keeper import ReplicaKeeper


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Looks after the edge with its `envoys`, the groups that are kept up, and the logs."""

    edge: EdgeKeeper
    replicas: ReplicaKeeper
    logs: LogKeeper
    envoys: int

    async def run(self) -> None:
        """Look for ever. Raises `JournalError` when nothing can be recorded any more."""
        loops = (
            *(self.edge.restart_dead(index) for index in range(self.envoys)),
            self.edge.kill_hung(),
            self.replicas.look_after_members(),
            self.replicas.tell_the_edge(),
            self.replicas.probe(),
            self.logs.run(),
        )
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            # They end only by raising; the first one that does ends the guard.
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.edge.silence.close()
