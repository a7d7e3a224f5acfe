"""The composition root: the only module that knows all parts of the guard and all adapters."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

from ostiary.changes.checks import require_checked
from ostiary.changes.configuration import Configuration
from ostiary.changes.edge_change import at_start
from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.cli import edge_wiring, guard_parts, guard_wiring, rehearsal_wiring, service_wiring
from ostiary.cli.guard_base import Base, build_base
from ostiary.cli.journal_access import usable_journal
from ostiary.cli.load_wiring import load_watch
from ostiary.cli.settings_file import load_today
from ostiary.guard import history, process
from ostiary.guard.admin import IdentityAdmin
from ostiary.guard.balance_watch import BalanceWatch
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.candidate_capacity import CandidateCapacity
from ostiary.guard.certificate_watch import CertificateWatch
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.edge_models import EdgeTerms
from ostiary.guard.effects import Effects
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.lease import LeaseServer
from ostiary.guard.mint_watch import MintWatch
from ostiary.guard.operations import GuardOperations
from ostiary.guard.options import GuardOptions
from ostiary.guard.own_runs import OwnRuns
from ostiary.guard.parts import GuardParts
from ostiary.guard.plane import DataPlane
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.guard.service import Guard
from ostiary.guard.service_start import ServiceStart
from ostiary.guard.share_watch import ShareWatch
from ostiary.guard.store_check import require_store
from ostiary.guard.trial_logs import TrialLogs
from ostiary.guard.trials import Trials
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.data_directory import DataDirectory


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
        base = build_base(options, data, configuration, journal, served)
        base = _with_what_begins(base)
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
        return asyncio.run(_stop_orphans(build_base(options, data, unread, journal, served)))


def _served_settings(
    data: DataDirectory, configuration: Configuration, journal: Journal
) -> SnapshotSettings:
    """Return the settings of the last good snapshot; the file counts where there is none yet."""
    last_good = history.read(journal.entries()).last_good
    if last_good is None:
        require_checked(configuration)
        return configuration.snapshot_settings
    return SnapshotSettings.from_snapshot(SnapshotStore(data.snapshots).get(last_good).settings)


def _with_what_begins(base: Base) -> Base:
    """Take from a settings file what no change can alter, where nothing runs yet.

    That is a part of `[edge]`, and all of `[services]`.
    """
    if base.options.config is None or base.runs_already:
        return base
    base = replace(base, services_begin=True)
    edge = at_start(base.served.edge, base.configuration.snapshot_settings.edge)
    if edge == base.served.edge:
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


async def _stop_orphans(base: Base) -> bool:
    edge = guard_parts.edge(base)
    found = await edge.stop_leftovers()
    fleet = guard_parts.fleet(base)
    replicas = fleet.adopt()
    await fleet.stop(replicas)
    await rehearsal_wiring.stop_leftovers(base)
    return found or bool(replicas)


async def _run(base: Base, ready: Callable[[dict[str, Any]], None], stops_everything: bool) -> None:
    guard_settings = base.configuration.guard
    edge_settings = base.served.edge
    chosen = edge_wiring.choose(
        edge_settings, base.data.edge, base.clock.now(), running=base.runs_already
    )
    edge = guard_parts.edge(base, chosen)
    certificates = guard_parts.certificates(base, edge, chosen)
    lease = LeaseServer(base.clock, seconds_max=guard_settings.lease_seconds)
    lease_port = await lease.start()
    plane = DataPlane(
        edge,
        lease,
        EdgeTerms(base.epoch, lease_port),
        SnapshotStore(base.data.snapshots),
    )
    guard, operations = _guard(base, plane, lease, certificates)
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
        await lease.stop()


def _guard(
    base: Base,
    plane: DataPlane,
    lease: LeaseServer,
    certificates: CertificateWatch | None,
) -> tuple[Guard, GuardOperations]:
    snapshots = SnapshotStore(base.data.snapshots)
    place = guard_parts.trial_place(base, certificates)
    fleet = guard_parts.fleet(base)
    own = guard_parts.own_trials(base)
    logs = TrialLogs(plane, base.runtime)
    trials = Trials(plane, place, own, logs, clock=base.clock, rng=base.rng)
    mints = MintWatch()
    load = load_watch(plane, base.journal, base.clock, mints)
    probes = ReplicaProbes(fleet.memory_mib)
    check = CheckStage(plane, base.releases)
    capacity = CandidateCapacity(plane, load, base.journal, snapshots, place, base.clock, base.rng)
    balance = BalanceWatch(plane, load, probes.answered)
    reader = HistoryReader(base.journal)
    admin = IdentityAdmin(lambda: plane.stable, base.admin_token)
    revocations = guard_parts.revocations(base, reader, admin, plane, fleet)
    around = rehearsal_wiring.precautions(base, plane, check, trials, reader)
    service_trials = service_wiring.service_trials(base, plane, trials)
    effects = Effects(
        fleet=fleet,
        plane=plane,
        trials=trials,
        check=check,
        journal=base.journal,
        precautions=around,
        revocations=revocations,
        services=service_wiring.service_stages(base, plane, fleet, check, service_trials),
        service_trials=service_trials,
        capacity=capacity,
    )
    watch = CanaryWatch(
        base.runtime, around.locked, rehearsal_wiring.memory_watch(base, plane, snapshots).look
    )
    parts = GuardParts(
        options=base.options,
        clock=base.clock,
        journal=base.journal,
        releases=base.releases,
        snapshots=snapshots,
        fleet=fleet,
        plane=plane,
        admin=admin,
        conductor=guard_parts.conductor(base, effects, balance, lease, watch, mints=mints),
        supervisor=guard_parts.supervisor(base, plane, fleet, probes),
        pacing=Pacing.of(base.configuration.guard),
        issuer=base.issuer,
        epoch=base.epoch,
        trials=trials,
        own_runs=OwnRuns(own, plane, place, base.journal, base.rng),
        port=base.port,
        listen_url=base.listen_url,
        certificates=certificates,
        launch_differs=base.launch_differs,
        baseline=guard_parts.baseline(base, snapshots),
        check=check,
        history=reader,
        upkeep=guard_parts.upkeep(base, plane, snapshots, reader),
        registry=guard_wiring.registry(base.configuration.guard, base.data.path),
        load=load,
        store=around.store,
        revocations=revocations,
        services=ServiceStart(plane, fleet, snapshots, base.journal),
        shares=ShareWatch(plane, probes.answered, journal=base.journal, clock=base.clock),
    )
    guard = Guard(parts)
    return guard, GuardOperations(guard, parts, base.rng)
