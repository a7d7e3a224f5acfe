"""The data plane as the guard moves it: which replicas the edge routes to, and with what share.

Every edge write carries the guard's epoch and a running number, so that what an Envoy serves can
be traced to the guard that wrote it.
"""

import asyncio
from dataclasses import dataclass

from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Applied, Edge
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.model import CanaryArm, EdgeModel, Endpoint, Lease
from ostiary.guard.lease import LeaseServer, LeaseTerms
from ostiary.runtime.ports import Replica


@dataclass(frozen=True, slots=True)
class PlaneSettings:
    """What every edge model of one guard has in common; times in seconds."""

    epoch: str
    lease_port: int
    status_url: str
    per_try_timeout_s: float
    route_timeout_s: float


class DataPlane:
    """Holds the stable group and, during a change, the canary group."""

    def __init__(self, edge: Edge, lease: LeaseServer, settings: PlaneSettings) -> None:
        self._edge = edge
        self._lease = lease
        self._settings = settings
        self._writes = 0
        self._writing = asyncio.Lock()
        self._wanted = 0
        self._confirmed = 0
        self.last_good = ""
        self.stable: list[Replica] = []
        self.canary: list[Replica] = []
        self.replaced: list[Replica] = []
        self.canary_snapshot = ""
        self.change = ""
        self.share: float | None = None
        self._intended: tuple[IntendedRefusal, ...] = ()

    async def start(self, last_good: str, stable: list[Replica]) -> None:
        """Bring the edge up, or adopt the one that runs, with the stable group only."""
        self.last_good = last_good
        self.stable = stable
        await self._edge.start(self._present())

    async def refresh(self) -> Applied:
        """Write the edge anew after the members of a group have changed."""
        return await self._apply()

    async def prevalidate(self, snapshot: str) -> None:
        """Let Envoy judge what a canary of this snapshot will make of the edge.

        Raises `RefusedError` with Envoy's reason. Addresses are not judged, so any will do.
        """
        placeholder = Endpoint("candidate", "127.0.0.1", port=1, health_port=1)
        await self._edge.prevalidate(self._model(self._arm(snapshot, (placeholder,), 0.5)))

    def kept_snapshots(self) -> list[str]:
        """Return the snapshots whose members are kept up: last good, and the one before it."""
        return [self.last_good, *{replica.snapshot for replica in self.replaced}]

    def members(self, snapshot: str) -> list[Replica]:
        """Return the group of a snapshot that is kept up; empty where it is not."""
        if snapshot == self.last_good:
            return list(self.stable)
        return [replica for replica in self.replaced if replica.snapshot == snapshot]

    def set_members(self, snapshot: str, members: list[Replica]) -> bool:
        """Change who belongs to a group; return whether the edge has to be told by `refresh`.

        An empty list changes nothing: the edge goes on trying those that it knows.
        """
        if not members:
            return False
        if snapshot == self.last_good:
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
        self._lease.grant(LeaseTerms(change, self._settings.epoch))
        return await self._apply()

    async def withdraw(self) -> Applied | None:
        """Route everything to the last good version again; also undo a promotion.

        None when no canary is routed to. After a write that failed nothing is taken for granted.
        """
        self._lease.withdraw()
        if self.share is None and not self.replaced and self._confirmed == self._wanted:
            return None
        if self.replaced:
            self.canary, self.stable, self.replaced = self.stable, self.replaced, []
            self.last_good = self.stable[0].snapshot
        self.share = None
        self.change = ""
        return await self._apply()

    async def promote(self, snapshot: str) -> Applied:
        """Make the canary group the stable one; `replaced` holds the former one from now on."""
        self.replaced = self.stable
        self.last_good = snapshot
        self.stable = self.canary
        self.canary = []
        self.share = None
        self.change = ""
        applied = await self._apply()
        self._lease.withdraw()
        return applied

    async def counters(self) -> EdgeCounters:
        """Return what both Envoys have counted."""
        return await self._edge.counters()

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
    def stable_share(self) -> float:
        """Return the share of requests whose first attempt goes to the stable group, 0 to 1."""
        return 1.0 - (self.share or 0.0)

    @property
    def edge_pids(self) -> list[int]:
        """Return the process ids of the Envoys."""
        return list(self._edge.pids)

    async def _apply(self) -> Applied:
        self._wanted += 1
        # Envoy judges it before the lock is taken, so that a withdrawal may overtake.
        await self._edge.prevalidate(self._present())
        # The model is built under the lock: a model built earlier must not be written later.
        async with self._writing:
            building = self._wanted
            applied = await self._edge.apply(self._present())
            self._confirmed = max(self._confirmed, building)
            return applied

    def _present(self) -> EdgeModel:
        """Return what the edge is to do now, under a version of its own."""
        self._writes += 1
        if self.share is None:
            return self._model(None)
        return self._model(self._arm(self.canary_snapshot, _endpoints(self.canary), self.share))

    def _arm(self, snapshot: str, endpoints: tuple[Endpoint, ...], share: float) -> CanaryArm:
        lease = Lease(
            change=self.change or "none",
            epoch=self._settings.epoch,
            host="127.0.0.1",
            port=self._settings.lease_port,
        )
        return CanaryArm(
            snapshot=snapshot,
            endpoints=endpoints,
            share=share,
            lease=lease,
            intended=self._intended,
        )

    def _model(self, canary: CanaryArm | None) -> EdgeModel:
        return EdgeModel(
            version=f"{self._settings.epoch}.{self._writes}",
            last_good=self.last_good,
            stable=_endpoints(self.stable),
            canary=canary,
            status_url=self._settings.status_url,
            per_try_timeout_s=self._settings.per_try_timeout_s,
            route_timeout_s=self._settings.route_timeout_s,
        )


def _endpoints(replicas: list[Replica]) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(
            name=replica.name,
            host=replica.host,
            port=replica.port,
            health_port=replica.health_port,
        )
        for replica in replicas
    )
