"""Keeping the groups of replicas complete and in order, each group for itself.

Members are started and replaced in tasks of their own, so that each is routed to as soon as it is
ready, and nothing waits for another's start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.guard.background import Background
from ostiary.guard.fleet import Fleet
from ostiary.guard.group import Group
from ostiary.guard.group_parts import GroupParts, Members
from ostiary.guard.patience import Rhythm, keep_doing
from ostiary.guard.plane import DataPlane
from ostiary.guard.replica_probes import ReplicaProbes
from ostiary.guard.seats import Seat, restarts
from ostiary.guard.service_groups import ServiceGroups, ServiceMembers
from ostiary.guard.specs import memory_max_mib
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal
from ostiary.runtime.ports import IDENTITY

_PAUSE_SECONDS_MAX = 5.0
_LOOKS = Rhythm(0.2, _PAUSE_SECONDS_MAX)
_PROBES = Rhythm(0.5, _PAUSE_SECONDS_MAX)
_WRITES = Rhythm(0.0, _PAUSE_SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class KeeperParts:
    """What looking after replicas needs."""

    plane: DataPlane
    fleet: Fleet
    snapshots: SnapshotStore
    journal: Journal
    probes: ReplicaProbes
    clock: Clock
    services: ServiceGroups = field(default_factory=ServiceGroups)


class ReplicaKeeper:
    """Looks after the last good group, while it is kept warm the one before it, and all services.

    The canary is the conductor's: there a death is a verdict.
    """

    def __init__(self, parts: KeeperParts) -> None:
        self._parts = parts
        self._groups: dict[str, Group] = {}
        self._services: dict[tuple[str, str], Group] = {}
        self._known: dict[str, Snapshot] = {}
        self._background = Background()
        self._edge_is_stale = asyncio.Event()

    async def look_after_members(self) -> None:
        """Look for ever. Raises `JournalError`, and `RuntimeError` for what nobody foresaw."""
        try:
            await self._keep_doing(self.look, _LOOKS)
        finally:
            await self._background.abandon()

    async def look(self) -> None:
        """Look once: bury the dead, fill empty seats, replace one member in trouble.

        Raises `RuntimeError` once work beside the loop has ended by an error that it does not
        expect. That ends the guard: the next one adopts all that runs, while this one would go on
        with a group that it knows wrongly.
        """
        if self._background.failure is not None:
            raise RuntimeError("looking after replicas failed") from self._background.failure
        kept = self._parts.plane.kept_snapshots()
        self._groups = {each: self._groups.get(each) or self._group(each) for each in kept}
        services = self._parts.services
        wanted = [(each, services.snapshot_of(each)) for each in services.names]
        self._services = {each: self._services.get(each) or self._service(*each) for each in wanted}
        for group in (*self._groups.values(), *self._services.values()):
            await group.look()

    async def tell_the_edge(self) -> None:
        """Write the edge anew whenever members have changed, for ever; raises `JournalError`."""
        await self._keep_doing(self._write_edge, _WRITES)

    async def probe(self) -> None:
        """Ask all members how they are, for ever; raises `JournalError`."""
        await self._keep_doing(self._probe, _PROBES)

    def seat(self, replica: str) -> Seat | None:
        """Return the seat of a member by its name; None where it is not looked after."""
        groups = (*self._groups.values(), *self._services.values())
        found = (group.seat(replica) for group in groups)
        return next((seat for seat in found if seat is not None), None)

    def vacant(self, snapshot: str) -> list[Seat]:
        """Return the seats of a group that nobody sits in, those being filled included."""
        group = self._groups.get(snapshot)
        return [] if group is None else group.vacant()

    def vacant_of(self, service: str) -> list[Seat]:
        """Return the seats of another service's group that nobody sits in, as `vacant` does."""
        groups = (group for (name, _), group in self._services.items() if name == service)
        return [seat for group in groups for seat in group.vacant()]

    def told(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a replica's row of the status with what is known of it by looking after it.

        `down` is what is wrong with a member that somebody else runs: nobody here replaces it.
        """
        name = str(row["name"])
        members = (one for one in self._parts.services.all_members() if one.is_run_elsewhere)
        trouble = next(
            (self._parts.probes.trouble(one) for one in members if one.name == name), None
        )
        down = None if trouble is None else trouble.words
        return {**row, **restarts(self.seat(name)), "down": down}

    async def _write_edge(self) -> None:
        await self._edge_is_stale.wait()
        self._edge_is_stale.clear()
        try:
            await self._parts.plane.refresh()
        except BaseException:
            self._edge_is_stale.set()
            raise

    async def _probe(self) -> None:
        plane = self._parts.plane
        members = [one for each in plane.kept_snapshots() for one in plane.members(each)]
        await self._parts.probes.look(
            [*members, *self._parts.services.all_members()],
            lambda each: memory_max_mib(self._snapshot(each.snapshot), each.service),
        )

    async def _keep_doing(self, work: Callable[[], Awaitable[None]], rhythm: Rhythm) -> None:
        await keep_doing(work, rhythm, what="replicas", journal=self._parts.journal)

    def _service(self, service: str, snapshot: str) -> Group:
        members = ServiceMembers(self._parts.services, service, self._parts.plane.refresh)
        return self._group(snapshot, members, service)

    def _group(
        self, snapshot: str, members: Members | None = None, service: str = IDENTITY
    ) -> Group:
        parts = GroupParts(
            snapshot=self._snapshot(snapshot),
            plane=members or self._parts.plane,
            fleet=self._parts.fleet,
            probes=self._parts.probes,
            journal=self._parts.journal,
            clock=self._parts.clock,
            spawn=self._background.start,
            edge_is_stale=self._edge_is_stale.set,
            service=service,
        )
        return Group(parts)

    def _snapshot(self, snapshot: str) -> Snapshot:
        """Return a snapshot, read once: it never changes, and this looks five times a second."""
        if snapshot not in self._known:
            self._known[snapshot] = self._parts.snapshots.get(snapshot)
        return self._known[snapshot]
