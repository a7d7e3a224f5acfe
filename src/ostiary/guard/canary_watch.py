"""The guard's own look at the canary replicas: do they run, answer at all, and harm nobody else."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from ostiary.changes.model import Reason
from ostiary.guard.live import live_status
from ostiary.runtime.ports import Replica, Runtime

_SECONDS_MAX = 1.0
_GOOD = (200,)
_GOOD_OF_SERVICES = range(200, 300)
_SILENT_IN_ROW_MAX = 3


class CanaryWatch:
    """Notices canary replicas that have died or hang.

    `harms` are asked first, each about all replicas: what they tell says more than a death.
    """

    def __init__(
        self, runtime: Runtime, *harms: Callable[[Sequence[Replica]], Reason | None]
    ) -> None:
        self._runtime = runtime
        self._harms = harms
        self._silent: dict[str, int] = {}

    def reset(self) -> None:
        """Forget what was seen of an earlier canary."""
        self._silent = {}

    @property
    def silent(self) -> frozenset[str]:
        """The replicas that did not answer their latest probe; they hold no lease."""
        return frozenset(name for name, in_row in self._silent.items() if in_row)

    async def trouble(self, replicas: Sequence[Replica]) -> Reason | None:
        """Return what is wrong with the canary; None where nothing is.

        One replica that died is enough: its users would be next, and a release that dies in
        canary is not one to wait for.
        """
        for harm in self._harms:
            if (found := harm(replicas)) is not None:
                return found
        for replica in replicas:
            if not self._runtime.alive(replica):
                last = self._runtime.log_tail(replica)[-1:]
                words = f" Its last words: {last[0][:300]}" if last else ""
                return _unavailable(f"Canary replica {replica.name} has died.{words}")
        await asyncio.gather(*(self._probe(replica) for replica in replicas))
        for replica in replicas:
            if self._silent.get(replica.name, 0) >= _SILENT_IN_ROW_MAX:
                return _unavailable(
                    f"Canary replica {replica.name} has not answered "
                    f"{_SILENT_IN_ROW_MAX} health probes in a row."
                )
        return None

    async def _probe(self, replica: Replica) -> None:
        answered = await answers_well(replica)
        silent = 0 if answered else self._silent.get(replica.name, 0) + 1
        self._silent[replica.name] = silent


async def answers_well(replica: Replica) -> bool:
    """Return whether a replica says in time that it lives."""
    path, good = (replica.health, _GOOD_OF_SERVICES) if replica.health else ("/live", _GOOD)
    with suppress(OSError, ValueError, LookupError):
        async with asyncio.timeout(_SECONDS_MAX):
            return await live_status(replica.host, replica.health_port, path) in good
    return False


def _unavailable(text: str) -> Reason:
    return Reason("canary_unavailable", text)
