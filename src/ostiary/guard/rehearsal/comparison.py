"""Measuring candidates and last good alike, for `figures` to judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ostiary.changes.model import Reason
from ostiary.guard.history import REPLICA_READY
from ostiary.guard.rehearsal.figures import slow_start, too_large
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica

_STARTS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """Compares replicas on one machine; `memory_mib` measures one with its children."""

    memory_mib: Callable[[Replica], float]
    journal: Journal

    def objections(
        self, candidates: Sequence[Replica], stable: Sequence[Replica], limit: int
    ) -> tuple[Reason, ...]:
        """Return what speaks against candidates by their start and by their memory.

        `limit` is what each of them may keep, in MiB.
        """
        started = slow_start(
            min(self._starts([each.name for each in candidates]), default=None),
            max(self._starts([each.name for each in stable]), default=None),
        )
        found = (started, *self._large(candidates, stable, limit))
        return tuple(each for each in found if each is not None)

    def _large(
        self, candidates: Sequence[Replica], stable: Sequence[Replica], limit: int
    ) -> list[Reason | None]:
        beside = max(map(self.memory_mib, stable), default=0.0)
        return [too_large(each.name, self.memory_mib(each), beside, limit) for each in candidates]

    def _starts(self, names: Sequence[str]) -> list[float]:
        """Return how long these replicas took; an earlier guard may have started them."""
        entries = [
            entry
            for name in names[:_STARTS_KEPT]
            for entry in self.journal.entries(kind=REPLICA_READY, subject=name)
        ]
        return [float(entry.data["seconds"]) for entry in entries]
