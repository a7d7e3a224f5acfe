"""What a guard is made of."""

from dataclasses import dataclass

from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import SnapshotStore
from ostiary.guard.admin import IdentityAdmin
from ostiary.guard.baseline import Baseline
from ostiary.guard.certificate_watch import CertificateWatch
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.conductor import Conductor
from ostiary.guard.fleet import Fleet
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.load import LoadWatch
from ostiary.guard.operators.registry import Registry
from ostiary.guard.options import GuardOptions
from ostiary.guard.own_runs import OwnRuns
from ostiary.guard.plane import DataPlane
from ostiary.guard.rehearsal.store_trial import StoreTrial
from ostiary.guard.revocations import Revocations
from ostiary.guard.service_start import ServiceStart
from ostiary.guard.share_watch import ShareWatch
from ostiary.guard.supervision import Supervisor
from ostiary.guard.trials import Trials
from ostiary.guard.upkeep import Upkeep
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore


@dataclass(frozen=True, slots=True)
class GuardParts:
    """What a guard is made of; put together by the composition root."""

    options: GuardOptions
    clock: Clock
    journal: Journal
    releases: ReleaseStore
    snapshots: SnapshotStore
    fleet: Fleet
    plane: DataPlane
    admin: IdentityAdmin
    conductor: Conductor
    supervisor: Supervisor
    pacing: Pacing
    issuer: str
    epoch: str
    trials: Trials
    own_runs: OwnRuns
    port: int
    listen_url: str
    certificates: CertificateWatch | None
    launch_differs: bool
    baseline: Baseline
    load: LoadWatch
    check: CheckStage
    history: HistoryReader
    upkeep: Upkeep
    registry: Registry
    shares: ShareWatch
    store: StoreTrial
    revocations: Revocations
    services: ServiceStart
