"""What stands around candidates, put together from what all parts of a guard share."""

from ostiary.changes.snapshot import SnapshotStore
from ostiary.cli.guard_base import Base
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.plane import DataPlane
from ostiary.guard.rehearsal.comparison import Comparison
from ostiary.guard.rehearsal.lock_watch import LockWatch
from ostiary.guard.rehearsal.memory_watch import MemoryWatch
from ostiary.guard.rehearsal.on_copy import CopyJourneys
from ostiary.guard.rehearsal.precautions import Precautions
from ostiary.guard.rehearsal.programs import StorePrograms
from ostiary.guard.rehearsal.retained import Retained
from ostiary.guard.rehearsal.store_trial import StoreTrial, StoreTrialParts
from ostiary.guard.specs import memory_max_mib
from ostiary.guard.trials import Trials
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.ports import Replica
from ostiary.runtime.store_copies import StoreCopies, StoreCopy
from ostiary.runtime.store_revision import sqlite_file

_DIRECTORY = "rehearsal"


def precautions(
    base: Base, plane: DataPlane, check: CheckStage, trials: Trials, reader: HistoryReader
) -> Precautions:
    """Return what looks after candidates."""
    settings = base.configuration.guard
    url = base.options.database_url
    programs = StorePrograms(base.releases, url, settings.store_copy_seconds_max)
    parts = StoreTrialParts(
        programs=programs,
        copies=StoreCopies(base.data.path / _DIRECTORY, url),
        fleet_on=lambda copy: _fleet_on(base, copy),
        journeys=CopyJourneys(trials.place, base.clock, base.rng, lambda: trials.faults.known),
        retained=Retained(
            snapshots=SnapshotStore(base.data.snapshots),
            history=reader.present,
            serving=lambda: plane.serving,
            programs=programs,
            kept=settings.snapshots_kept,
        ),
        journal=base.journal,
        clock=base.clock,
        rng=base.rng,
    )
    comparison = Comparison(base.runtime.memory_mib, base.journal)
    return Precautions(StoreTrial(parts), LockWatch(sqlite_file(url)), comparison, check, plane)


def memory_watch(base: Base, plane: DataPlane, snapshots: SnapshotStore) -> MemoryWatch:
    """Return what watches the memory of a canary beside that of last good."""

    def limit(replica: Replica) -> int:
        return memory_max_mib(snapshots.get(replica.snapshot), replica.service)

    return MemoryWatch(base.runtime.memory_mib, limit, plane.beside)


async def stop_leftovers(base: Base) -> None:
    """End what runs on copies of the store without a guard, and remove their files."""
    url = base.options.database_url
    for copy in StoreCopies(base.data.path / _DIRECTORY, url).left_behind():
        copy.kill_noted()
        fleet = _fleet_on(base, copy)
        await fleet.stop(fleet.adopt(), routed=False)
        if copy.schema is None:
            copy.remove_files()


def _fleet_on(base: Base, copy: StoreCopy) -> Fleet:
    """Return what starts replicas on a copy: with files of their own, so that none is adopted."""
    runtime = LocalRuntime(
        copy.directory,
        base.releases,
        clock=base.clock,
        admin_token_file=base.data.admin_token_file,
        edge_token_file=base.data.edge_token_file,
        store_key_file=base.data.store_key_file,
    )
    settings = base.configuration.guard
    place = FleetPlace(
        issuer=base.issuer,
        database_url=copy.database_url,
        start_seconds_max=settings.rehearsal_start_seconds_max,
        stop_seconds_max=0.0,
    )
    return Fleet(runtime, base.journal, place, clock=base.clock, rng=base.rng)
