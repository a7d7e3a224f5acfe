"""What tries services beside identity in a change of them, put together from the guard's parts."""

import os

from ostiary.changes.snapshot import SnapshotStore
from ostiary.cli.guard_base import Base
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.fleet import Fleet
from ostiary.guard.plane import DataPlane
from ostiary.guard.rehearsal.comparison import Comparison
from ostiary.guard.service_stages import ServiceStages
from ostiary.guard.service_trials import ServiceTrials
from ostiary.guard.trials import Trials


def service_trials(base: Base, plane: DataPlane, trials: Trials) -> ServiceTrials:
    """Return what runs the journeys of services."""
    return ServiceTrials(
        plane=plane,
        read=SnapshotStore(base.data.snapshots).get,
        place=trials.place,
        sign_in=trials.proof,
        clock=base.clock,
        rng=base.rng,
        environment=os.environ,
    )


def service_stages(
    base: Base, plane: DataPlane, fleet: Fleet, check: CheckStage, trials: ServiceTrials
) -> ServiceStages:
    """Return what starts the candidates of services and rehearses them."""
    comparison = Comparison(base.runtime.memory_mib, base.journal)
    return ServiceStages(plane.services, fleet, check, comparison, trials.rehearsed)
