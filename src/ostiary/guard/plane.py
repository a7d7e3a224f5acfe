"""The data plane as the guard moves it: which replicas the edge routes to, and with what share.

Every edge write carries the guard's epoch and a running number, so that what an Envoy serves can
be traced to the guard that wrote it.
"""

from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Applied, Edge
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.latencies import Latencies
from ostiary.edge.model import EdgeModel, Endpoint
from ostiary.guard.edge_models import Arm, EdgeModels, EdgeTerms, Snapshots
from ostiary.guard.edge_writing import EdgeWriting
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.guard.service_groups import ServiceGroups
from ostiary.runtime.ports import Replica


class DataPlane:
    """Holds the stable group, during a change the canary group, and the groups of other services.

    `serving` is the snapshot that the stable replicas were started for. A change of the edge only
    moves `last_good` on and keeps the replicas, so that the two then differ.
    """

    def __init__(
        self, edge: Edge, lease: LeaseServer, terms: EdgeTerms, snapshots: Snapshots
    ) -> None:
        self._edge = edge
        self._lease = lease
        self._epoch = terms.epoch
        self.models = EdgeModels(terms, snapshots)
        self._writing = EdgeWriting(edge, self._present)
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
        self._intended: tuple[IntendedRefusal, ...] = ()

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
        arm = self._arm(snapshot, self.models.placeholders(snapshot), 0.5)
        await self._edge.prevalidate(self._model(0, arm))

    def changes_edge_only(self, snapshot: str) -> bool:
        """Return whether a snapshot differs from last good in the edge only."""
        return self.models.keeps_replicas(snapshot, self.last_good)

    def kept_snapshots(self) -> list[str]:
        """Return for which snapshots members are kept up: those of last good and the one before."""
        return [self.serving, *{replica.snapshot for replica in self.replaced}]

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
        self._intended = intended
        self.change = change
        self.canary_snapshot = snapshot
        self.share = share
        self._lease.grant(LeaseTerms(change, self._epoch))
        return await self._writing.apply()

    async def withdraw(self) -> Applied | None:
        """Route everything to the last good version again; also undo a promotion.

        None when no canary is routed to. After a write that failed nothing is taken for granted.
        """
        self._lease.withdraw()
        untouched = self.share is None and self._former is None and not self.replaced
        if untouched and self._writing.is_confirmed:
            return None
        if self.replaced:
            self.canary, self.stable, self.replaced = self.stable, self.replaced, []
            self.last_good = self.serving = self.stable[0].snapshot
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
        if snapshot != self.last_good:
            self._former = (self.last_good, self.serving)
            if not self.changes_edge_only(snapshot):
                self.replaced, self.stable, self.canary = self.stable, self.canary, []
                self.serving = snapshot
            self.last_good = snapshot
        self.share = None
        self.change = ""
        applied = await self._writing.apply()
        self._lease.withdraw()
        return applied

    def take_replaced(self) -> list[Replica]:
        """Return the group that is not needed any more; there is no way back to it then."""
        taken, self.replaced, self._former = self.replaced, [], None
        return taken

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
    def stable_share(self) -> float:
        """Return the share of requests whose first attempt goes to the stable group, 0 to 1."""
        return 1.0 - (self.share or 0.0)

    @property
    def edge_pids(self) -> list[int]:
        """Return the process ids of the Envoys."""
        return list(self._edge.pids)

    def _present(self, write: int) -> EdgeModel:
        """Return what the edge is to do now."""
        if self.share is None:
            return self._model(write, None)
        group = self.stable if self.changes_edge_only(self.canary_snapshot) else self.canary
        endpoints = self.models.endpoints(self.canary_snapshot, group)
        return self._model(write, self._arm(self.canary_snapshot, endpoints, self.share))

    def _arm(self, snapshot: str, endpoints: tuple[Endpoint, ...], share: float) -> Arm:
        edge_only, change = self.changes_edge_only(snapshot), self.change or "none"
        return Arm(snapshot, change, share, endpoints, edge_only, self._intended)

    def _model(self, write: int, arm: Arm | None) -> EdgeModel:
        groups = (self.last_good, self.serving, self.stable)
        return self.models.make(write, *groups, arm, services=self.services)
