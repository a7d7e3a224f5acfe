"""How many sign-ins a second a candidate does, measured while its rehearsal waits anyway.

One candidate signs probe accounts in for a second, off traffic. It is measured where something
differs that decides about it: the release, the hashes, the threads. Otherwise the figure of the
last good snapshot is the candidate's, too. A machine that is at its limit is left in peace.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ostiary.changes.configuration import Configuration
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.load.judging import UTILISATION_MAX
from ostiary.changes.model import Reason
from ostiary.changes.rules.load import load_can_be_carried
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.load import CAPACITY_MEASURED, LoadWatch
from ostiary.guard.plane import DataPlane
from ostiary.guard.trial_place import TrialPlace
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal
from ostiary.watch.capacity import measure_capacity
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.target import Target

_SECONDS = 1.0
_LOAD_PER_CORE_MAX = 2.0
_DECIDING = (
    "hash_memory_kib",
    "hash_time_cost",
    "hash_parallelism",
    "hash_concurrency",
    "hash_queue",
    "threads",
    "replicas",
)
_OF_THE_CHECK = frozenset({"capacity_unknown", "peak_unknown"})
"""What a figure that is missing means was decided when the change was proposed."""


@dataclass(frozen=True, slots=True)
class CandidateCapacity:
    """Measures candidates, and holds what they do against the load that they would get."""

    plane: DataPlane
    load: LoadWatch
    journal: Journal
    snapshots: SnapshotStore
    place: TrialPlace
    clock: Clock
    rng: Random

    async def find_out(self, snapshot: Snapshot) -> None:
        """Learn and journal the capacity of a candidate; without one that can be told, nothing.

        Raises `JournalError`. A candidate that does not sign probes in is a matter of journeys.
        """
        last_good = self.snapshots.get(self.plane.last_good)
        if _is_alike(last_good, snapshot):
            rate = self.load.known(self._serving, _settings(last_good)).capacity
            data: dict[str, Any] = {"same_as": last_good.id}
        else:
            rate, data = await self._measured(snapshot), {"seconds": _SECONDS}
        if rate is None:
            return
        self.load.learn(snapshot.id, rate)
        body = {"snapshot": snapshot.id, "sign_ins_per_second": rate, **data}
        self.journal.append(CAPACITY_MEASURED, snapshot.id, body)

    def objections(self, snapshot: Snapshot) -> tuple[Reason, ...]:
        """Return what speaks against the candidate now that its capacity is known."""
        last_good = _settings(self.snapshots.get(self.plane.last_good))
        known = self.load.known(self._serving, last_good, snapshot.id)
        if known.candidate_capacity is None:
            return ()
        findings = load_can_be_carried(
            Configuration(_settings(snapshot)), Surroundings(last_good=last_good, load=known)
        )
        return tuple(
            Reason(finding.code, f"{finding.message} {finding.hint}")
            for finding in findings
            if finding.code not in _OF_THE_CHECK
        )

    @property
    def _serving(self) -> str:
        """Return the snapshot that the stable replicas run: what was measured is theirs."""
        return self.plane.stable[0].snapshot if self.plane.stable else self.plane.last_good

    async def _measured(self, snapshot: Snapshot) -> float | None:
        """Return the capacity of one replica while all of them work, None where it is not known."""
        if self._is_busy() or not self.plane.canary or not self.plane.stable:
            return None
        candidate, old = self.plane.canary[-1], self.plane.stable[0]
        target = Target(
            f"candidate {candidate.name}",
            f"http://{candidate.host}:{candidate.port}",
            self.place.issuer,
            snapshot=candidate.snapshot,
        )
        with suppress(OstiaryError):
            url = f"http://{old.host}:{old.port}"
            async with ProbeAdmin(url, self.place.admin_token, rng=self.rng) as admin:
                (one,) = await measure_capacity([target], admin, seconds=_SECONDS, clock=self.clock)
            alone = one.sign_ins_per_second
            return round(alone * part_beside_others(_settings(snapshot).identity, _cores()), 1)
        return None

    def _is_busy(self) -> bool:
        """Return whether measuring would take from users what they need, or tell nothing."""
        loads = [self.load.load(replica) or 0.0 for replica in self.plane.stable]
        return (
            max(loads, default=0.0) > UTILISATION_MAX
            or os.getloadavg()[0] > _LOAD_PER_CORE_MAX * _cores()
        )


def part_beside_others(identity: IdentitySettings, cores: int) -> float:
    """Return which part of what a replica does alone it does when all replicas hash at once."""
    at_once = identity.hash_concurrency or max(1, cores // identity.replicas)
    return min(1.0, cores / (at_once * identity.replicas))


def _is_alike(last_good: Snapshot, candidate: Snapshot) -> bool:
    before, after = last_good.settings["identity"], candidate.settings["identity"]
    same = all(before.get(key) == after.get(key) for key in _DECIDING)
    return same and dict(last_good.releases) == dict(candidate.releases)


def _settings(snapshot: Snapshot) -> SnapshotSettings:
    return SnapshotSettings.from_snapshot(snapshot.settings)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # Only some systems can say which cores a process may use.
        return os.cpu_count() or 1
