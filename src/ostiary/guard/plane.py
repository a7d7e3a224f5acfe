"""The data plane as the guard moves it: which replicas the edge routes to, and with what share.

Every edge write carries the guard's epoch and a running number, so that what an Envoy serves can
be traced to the guard that wrote it.
"""

from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Applied, Edge
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.latencies import Latencies
from ostiary.guard.edge_models import EdgeModels, EdgeTerms, Snapshots
from ostiary.guard.edge_writing import EdgeWriting
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.guard.present_edge import edge_to_try, present_edge, under_way_seconds
from ostiary.guard.service_groups import ServiceGroups
from ostiary.runtime.ports import IDENTITY, Replica


class DataPlane:
    """Holds the stable group, during a change the canary group, and the groups of other services.

    `serving` is the snapshot that the stable replicas were started for. A change of the edge or of
    other services moves `last_good` on and keeps them, so that the two then differ.
    """

    def __init__(
        self, edge: Edge, lease: LeaseServer, terms: EdgeTerms, snapshots: Snapshots
    ) -> None:
        self._edge, self._lease, self._epoch = edge, lease, terms.epoch
        self.models = EdgeModels(terms, snapshots)
        self._writing = EdgeWriting(edge, lambda write: present_edge(self, write))
        self._former: tuple[str, str] | None = None
        self.last_good = ""
        self.serving = ""
        self.stable: list[Replica] = []
        self.canary: list[Replica] = []
        self.replaced: list[Replica] = []
        self.services = ServiceGroups()
        self.canary_snapshot = ""
        self.change = ""
        self.share: float | None = None
        self.intended: tuple[IntendedRefusal, ...] = ()

    async def start(self, last_good: str, serving: str, stable: list[Replica]) -> None:
        """Bring the edge up, or adopt the one that runs, with the stable group only."""
        self.last_good, self.serving, self.stable = last_good, serving, stable
        await self._edge.start(self._writing.model())

    async def refresh(self) -> Applied:
        """Write the edge anew after the members of a group have changed."""
        return await self._writing.apply()

    async def prevalidate(self, snapshot: str) -> None:
        """Let Envoy judge what a canary of this snapshot will make of the edge.

        Raises `RefusedError` with Envoy's reason. Addresses are not judged, so any will do.
        """
        await self._edge.prevalidate(edge_to_try(self, snapshot))

    def changes_edge_only(self, snapshot: str) -> bool:
        """Return whether a snapshot differs from last good in the edge only."""
        return self.models.changes_edge_only(snapshot, self.last_good)

    @property
    def candidates(self) -> list[Replica]:
        """Return the replicas of the change under way, whichever service they are of."""
        return [*self.canary, *self.services.candidates]

    def beside(self, replica: Replica) -> list[Replica]:
        """Return the last good replicas of the same service."""
        others = self.services.members(replica.service)
        return self.stable if replica.service == IDENTITY else others

    def kept_snapshots(self) -> list[str]:
        """Return for which snapshots members are kept up: those of last good and the one before."""
        return [self.serving, *{replica.snapshot for replica in self.replaced}]

    def is_kept(self, snapshot: str) -> bool:
        """Return whether a group is kept up: a change gives one up by leaving it no members."""
        return bool(self.members(snapshot))

    def members(self, snapshot: str) -> list[Replica]:
        """Return the group of a snapshot that is kept up; empty where it is not."""
        if snapshot == self.serving:
            return list(self.stable)
        return [replica for replica in self.replaced if replica.snapshot == snapshot]

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        """Change who belongs to a group; return whether the edge has to be told by `refresh`.

        An empty list changes nothing: the edge goes on trying those that it knows.
        """
        if not members:
            return False
        if snapshot == self.serving:
            changed = members != self.stable
            self.stable = members
            return changed
        if self.members(snapshot):
            self.replaced = members
        return False

    async def set_share(
        self,
        change: str,
        snapshot: str,
        share: float,
        intended: tuple[IntendedRefusal, ...] = (),
    ) -> Applied:
        """Route `share` of the requests to the canary first; 0 lets only pinned journeys in.

        Refusals that are `intended` stand as the canary says them.
        """
        self.intended = intended
        self.change = change
        self.canary_snapshot = snapshot
        self.share = share
        self._lease.grant(LeaseTerms(change, self._epoch))
        return await self._writing.apply()

    async def withdraw(self) -> Applied | None:
        """Route everything to the last good version again; also undo a promotion.

        None when no canary is routed to. After a write that failed nothing is taken for granted.
        """
        self._lease.withdraw(after=under_way_seconds(self))
        untouched = self.share is None and self._former is None and not self.replaced
        if untouched and self._writing.is_confirmed:
            return None
        if self.replaced:
            self.canary, self.stable, self.replaced = self.stable, self.replaced, []
            self.last_good = self.serving = self.stable[0].snapshot
        if self.services.is_promoted:
            self.services.take_back()
        if self._former is not None:
            (self.last_good, self.serving), self._former = self._former, None
        self.share = None
        self.change = ""
        return await self._writing.apply()

    async def promote(self, snapshot: str) -> Applied:
        """Make the canary group the stable one; `replaced` holds the former one from now on.

        Where only the edge changes, the stable group stays, spread as the snapshot says. A second
        time it writes the edge again and moves nothing: the canary group is empty by then.
        """
        under_way = under_way_seconds(self)
        if snapshot != self.last_good:
            self._former = (self.last_good, self.serving)
            if self.services.changing:
                self.services.promote(snapshot)
            elif not self.changes_edge_only(snapshot):
                self.replaced, self.stable, self.canary = self.stable, self.canary, []
                self.serving = snapshot
            self.last_good = snapshot
        self.share = None
        self.change = ""
        applied = await self._writing.apply()
        self._lease.withdraw(after=under_way)
        return applied

    def take_replaced(self) -> list[Replica]:
        """Return the group that is not needed any more; there is no way back to it then."""
        taken, self.replaced, self._former = self.replaced, [], None
        return [*taken, *self.services.take_replaced()]

    def take_candidates(self) -> list[Replica]:
        """Return the candidates of a change that has come to nothing."""
        taken, self.canary = self.canary, []
        return [*taken, *self.services.take_candidates()]

    async def counters(self) -> EdgeCounters:
        """Return what both Envoys have counted."""
        return await self._edge.counters()

    async def latencies(self) -> Latencies:
        """Return the durations that both Envoys have counted; 1 s behind."""
        return await self._edge.latencies()

    async def restart_envoy(self, index: int) -> int | None:
        """Start one Envoy anew if it has died; return the new process id."""
        return await self._edge.restart(index)

    async def detach(self) -> None:
        """Give the connections to the edge back; it serves on."""
        await self._edge.detach()

    async def stop(self) -> None:
        """Stop the edge."""
        await self._edge.stop()

    @property
    def writes(self) -> int:
        """Return the number of the latest edge write of this guard."""
        return self._writing.writes

    @property
    def edge_pids(self) -> list[int]:
        """Return the process ids of the Envoys."""
        return list(self._edge.pids)
