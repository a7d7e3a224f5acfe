"""How many sign-ins a second a candidate does, measured while its rehearsal waits anyway.

One candidate signs probe accounts in for a second, off traffic. It is measured where something
differs that decides about it: the release, the hashes, the threads. Otherwise the figure of the
last good snapshot is the candidate's, too. A machine that is at its limit is left in peace.

One second on a machine that has other work says little about a release. So a figure that speaks
against the candidate is not believed by itself: candidate and last good are measured side by side,
and what both lack is the machine's.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ostiary.changes.configuration import Configuration
from ostiary.changes.load.judging import UTILISATION_MAX
from ostiary.changes.load.known import KnownLoad
from ostiary.changes.model import Reason
from ostiary.changes.rules.load import load_can_be_carried
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.cores import cores, part_beside_others
from ostiary.guard.load import CAPACITY_MEASURED, LoadWatch
from ostiary.guard.plane import DataPlane
from ostiary.guard.trial_place import TrialPlace
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import Replica
from ostiary.watch.capacity import measure_capacity
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.relying_party.target import Target

_SECONDS = 1.0
_SECONDS_SIDE_BY_SIDE = 2.0
_LOAD_PER_CORE_MAX = 2.0
_ALIKE = 0.9
"""From this part of last good's sign-ins on, a candidate lacks nothing that a second can tell."""
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
            if rate is not None and self._speaks_against(snapshot, rate):
                rate, compared = await self._beside_last_good(snapshot, rate)
                data |= compared
        if rate is None:
            return
        self.load.learn(snapshot.id, rate)
        body = {"snapshot": snapshot.id, "sign_ins_per_second": rate, **data}
        self.journal.append(CAPACITY_MEASURED, snapshot.id, body)

    def objections(self, snapshot: Snapshot) -> tuple[Reason, ...]:
        """Return what speaks against the candidate now that its capacity is known."""
        last_good = _settings(self.snapshots.get(self.plane.last_good))
        known = self.load.known(self._serving, last_good, snapshot.id)
        return self._found(snapshot, known)

    def _speaks_against(self, snapshot: Snapshot, rate: float) -> bool:
        """Return whether a candidate that does no more than `rate` would be refused for it."""
        last_good = _settings(self.snapshots.get(self.plane.last_good))
        known = replace(self.load.known(self._serving, last_good), candidate_capacity=rate)
        return bool(self._found(snapshot, known))

    def _found(self, snapshot: Snapshot, known: KnownLoad) -> tuple[Reason, ...]:
        if known.candidate_capacity is None:
            return ()
        last_good = _settings(self.snapshots.get(self.plane.last_good))
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
        (alone,) = await self._sign_ins(self.plane.canary[-1]) or (None,)
        return None if alone is None else round(alone * _part(snapshot), 1)

    async def _beside_last_good(
        self, snapshot: Snapshot, rate: float
    ) -> tuple[float | None, dict[str, Any]]:
        """Return the capacity of a candidate by what last good does in the same second.

        What is known of last good counts, times the candidate's part of it; `rate` stands where
        that is less, or nothing is known. None where both do the same and last good's is not known.
        """
        serving = self.snapshots.get(self._serving)
        both = await self._sign_ins(
            self.plane.canary[-1], self.plane.stable[0], seconds=_SECONDS_SIDE_BY_SIDE
        )
        if both is None or both[1] <= 0:
            return rate, {}
        part = both[0] * _part(snapshot) / (both[1] * _part(serving))
        compared = {"side_by_side": [round(each, 1) for each in both]}
        known = self.load.known(self._serving, _settings(serving)).capacity
        if known is None:
            return (None if part >= _ALIKE else rate), compared
        return max(rate, known if part >= _ALIKE else round(known * part, 1)), compared

    async def _sign_ins(
        self, *replicas: Replica, seconds: float = _SECONDS
    ) -> tuple[float, ...] | None:
        """Return the sign-ins a second of replicas measured at once, None where unknown."""
        targets = [
            Target(
                replica.name,
                f"http://{replica.host}:{replica.port}",
                self.place.issuer,
                snapshot=replica.snapshot,
            )
            for replica in replicas
        ]
        old = self.plane.stable[0]
        with suppress(OstiaryError):
            url = f"http://{old.host}:{old.port}"
            async with ProbeAdmin(url, self.place.admin_token, rng=self.rng) as admin:
                measured = await measure_capacity(targets, admin, seconds=seconds, clock=self.clock)
            return tuple(one.sign_ins_per_second for one in measured)
        return None

    def _is_busy(self) -> bool:
        """Return whether measuring would take from users what they need, or tell nothing."""
        loads = [self.load.load(replica) or 0.0 for replica in self.plane.stable]
        return (
            max(loads, default=0.0) > UTILISATION_MAX
            or os.getloadavg()[0] > _LOAD_PER_CORE_MAX * cores()
        )


def _part(snapshot: Snapshot) -> float:
    return part_beside_others(_settings(snapshot).identity, cores())


def _is_alike(last_good: Snapshot, candidate: Snapshot) -> bool:
    before, after = last_good.settings["identity"], candidate.settings["identity"]
    same = all(before.get(key) == after.get(key) for key in _DECIDING)
    return same and dict(last_good.releases) == dict(candidate.releases)


def _settings(snapshot: Snapshot) -> SnapshotSettings:
    return SnapshotSettings.from_snapshot(snapshot.settings)
