"""What stands around the start and the journeys of candidates, so that they harm nobody.

Before they start their migrations are tried; while they run nobody may lock the store; when the
journeys are done their files, their start and their memory are looked at.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from ostiary.changes.events import CandidatesFailed, CandidatesReady, Rehearsed
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.check_stage import CheckStage, altered_reasons
from ostiary.guard.plane import DataPlane
from ostiary.guard.rehearsal.comparison import Comparison
from ostiary.guard.rehearsal.errors import StoreTrialError
from ostiary.guard.rehearsal.lock_watch import LockWatch
from ostiary.guard.rehearsal.store_trial import HELD_SECONDS_MAX, StoreTrial
from ostiary.guard.specs import memory_max_mib
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.ports import IDENTITY, Replica

_LOOKS_A_SECOND = 10

Launched = Callable[[list[Replica]], None]


@dataclass(slots=True)
class Precautions:
    """Looks after one set of candidates at a time."""

    store: StoreTrial
    locks: LockWatch
    comparison: Comparison
    check: CheckStage
    plane: DataPlane
    _notes: tuple[Reason, ...] = field(default=(), init=False)

    async def start(
        self, snapshot: Snapshot, start: Callable[[Launched], Awaitable[None]]
    ) -> CandidatesReady | CandidatesFailed:
        """Make the store ready for candidates, and have them started; watch them from then on.

        `start` is given who is to be told of those that are launched. Raises what it raises,
        unless they were killed for what they did to the store.
        """
        self.locks.begin()
        try:
            self._notes = await self.store.prepare(snapshot, self._watch_migration)
            await start(self.locks.watch_replicas)
        except StoreTrialError as error:
            return _failed(*self._locked(), *error.reasons)
        except OstiaryError:
            if self.locks.reason is None:
                raise
            return _failed(self.locks.reason)
        return CandidatesReady()

    async def rehearse(
        self, snapshot: Snapshot, journeys: Callable[[], Awaitable[Rehearsed]]
    ) -> Rehearsed:
        """Return what journeys found, and what else is seen of candidates around them."""
        altered = await self._altered(snapshot)
        if altered:
            return Rehearsed(passed=False, failures=altered)
        rehearsed = await journeys()
        # Looked at in any case: journeys fail for want of memory, or because a lock was broken.
        found = (
            *self._locked(),
            *self.comparison.objections(
                self.plane.canary, self.plane.stable, memory_max_mib(snapshot, IDENTITY)
            ),
            *await self._altered(snapshot),
        )
        if found:
            return Rehearsed(passed=False, failures=(*found, *rehearsed.failures))
        return replace(rehearsed, notes=(*self._notes, *rehearsed.notes))

    def locked(self, _replicas: Sequence[Replica]) -> Reason | None:
        """Return the reason of a candidate that was killed because it locked the store."""
        return self.locks.reason

    def end(self) -> None:
        """Look after nobody any more; what is tried on a copy is given up."""
        self.store.give_up()
        self.locks.end()

    def _watch_migration(self, process: ProcessRecord) -> None:
        # It ends itself in time; this is for one that does not.
        looks = round(HELD_SECONDS_MAX * _LOOKS_A_SECOND) + 2
        self.locks.watch(process, "The migration", looks)

    def _locked(self) -> tuple[Reason, ...]:
        return () if self.locks.reason is None else (self.locks.reason,)

    async def _altered(self, snapshot: Snapshot) -> tuple[Reason, ...]:
        """Return the files that candidates run from and that are not those of the snapshot."""
        return altered_reasons(await self.check.altered(snapshot))


def _failed(first: Reason, *others: Reason) -> CandidatesFailed:
    return CandidatesFailed(first.code, first.text, others)
