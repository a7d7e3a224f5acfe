"""Both runtimes behind one port: each replica is looked after by the one that has taken it."""

from ostiary.runtime.ports import Replica, ReplicaSpec, Runtime

ENDPOINTS = "endpoints"
"""What a service's settings say of members that somebody else runs."""


class Runtimes:
    """Asks `elsewhere` for what somebody else runs, and `local` for everything else."""

    def __init__(self, local: Runtime, elsewhere: Runtime) -> None:
        self._local = local
        self._elsewhere = elsewhere

    def start(self, spec: ReplicaSpec) -> Replica:
        """See `Runtime.start`."""
        is_elsewhere = spec.settings.get("runtime") == ENDPOINTS
        return (self._elsewhere if is_elsewhere else self._local).start(spec)

    async def wait_ready(self, replica: Replica, seconds_max: float) -> None:
        """See `Runtime.wait_ready`."""
        await self._of(replica).wait_ready(replica, seconds_max)

    async def stop(self, replica: Replica, seconds_max: float) -> bool:
        """See `Runtime.stop`."""
        return await self._of(replica).stop(replica, seconds_max)

    def adopt(self) -> list[Replica]:
        """See `Runtime.adopt`."""
        found = [*self._local.adopt(), *self._elsewhere.adopt()]
        return sorted(found, key=lambda replica: (replica.started_at, replica.name))

    def alive(self, replica: Replica) -> bool:
        """See `Runtime.alive`."""
        return self._of(replica).alive(replica)

    def how_it_ended(self, replica: Replica) -> str | None:
        """See `Runtime.how_it_ended`."""
        return self._of(replica).how_it_ended(replica)

    def memory_mib(self, replica: Replica) -> float:
        """See `Runtime.memory_mib`."""
        return self._of(replica).memory_mib(replica)

    def log_tail(self, replica: Replica, lines: int = 20, *, about: str = "") -> list[str]:
        """See `Runtime.log_tail`."""
        return self._of(replica).log_tail(replica, lines, about=about)

    def _of(self, replica: Replica) -> Runtime:
        return self._elsewhere if replica.is_run_elsewhere else self._local
