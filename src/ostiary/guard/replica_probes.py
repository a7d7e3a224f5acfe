"""The guard's own look at replicas that are kept up: do they answer, and what do they keep."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from ostiary.guard.live import SILENCE, live_status
from ostiary.runtime.ports import Replica

_SECONDS_MAX = 1.0
_GOOD = range(200, 201)
_GOOD_OF_SERVICES = range(200, 300)
_SILENT_IN_ROW_MAX = 5
_LARGE_IN_ROW_MAX = 10


class Kind(StrEnum):
    """What can be wrong with a replica that runs."""

    HUNG = "hung"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a replica is to be replaced, in words for operators."""

    kind: Kind
    words: str


@dataclass(slots=True)
class _Seen:
    silent: int = 0
    answered: bool = False
    large: int = 0
    answer: str = "nothing"
    memory_mib: float = 0.0


class ReplicaProbes:
    """Counts in a row how often a replica was silent, or larger than it may be.

    Looks are counted, not seconds: a guard that was stopped itself, or whose clock was set, has
    seen one bad look and no more. `/live` is asked, not `/ready`: a replica that waits for the
    database would be no better for a restart.
    """

    def __init__(self, memory_mib: Callable[[Replica], float]) -> None:
        """`memory_mib` measures a replica."""
        self._memory_mib = memory_mib
        self._seen: dict[str, _Seen] = {}

    async def look(
        self, replicas: Iterable[Replica], memory_max_mib: Callable[[Replica], int]
    ) -> None:
        """Look at all once; `memory_max_mib` says what each may keep.

        Raises `OSError` where one could not even be asked; that is nothing against it.
        """
        replicas = list(replicas)
        self._seen = {each.name: self._seen.get(each.name, _Seen()) for each in replicas}
        probes = (self._probe(each) for each in replicas)
        outcomes = await asyncio.gather(*probes, return_exceptions=True)
        for each in replicas:
            seen = self._seen[each.name]
            seen.memory_mib = self._memory_mib(each)
            is_large = seen.memory_mib > memory_max_mib(each)
            seen.large = seen.large + 1 if is_large else 0
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def answered(self, replica: Replica) -> bool:
        """Return whether the replica answered its latest probe well; False before the first."""
        return self._seen.get(replica.name, _Seen()).answered

    def trouble(self, replica: Replica) -> Trouble | None:
        """Return why a replica should be replaced; None where it need not be."""
        seen = self._seen.get(replica.name, _Seen())
        if seen.silent >= _SILENT_IN_ROW_MAX:
            words = f"hangs: {seen.silent} health probes in a row were answered by {seen.answer}"
            return Trouble(Kind.HUNG, words)
        if seen.large >= _LARGE_IN_ROW_MAX:
            return Trouble(Kind.MEMORY, f"keeps {seen.memory_mib:.0f} MiB of memory")
        return None

    async def _probe(self, replica: Replica) -> None:
        seen, status = self._seen[replica.name], None
        try:
            with suppress(*SILENCE):
                async with asyncio.timeout(_SECONDS_MAX):
                    status = await live_status(
                        replica.host, replica.health_port, replica.health or "/live"
                    )
        except OSError:
            seen.answered = False
            raise
        seen.answered = status in (_GOOD_OF_SERVICES if replica.health else _GOOD)
        seen.answer = "nothing" if status is None else f"HTTP {status}"
        seen.silent = 0 if seen.answered else seen.silent + 1
