"""From groups of replicas to a model of the edge, with the edge settings of their snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ostiary.changes.edge_change import changes_edge_only, edge_of
from ostiary.changes.service_change import service_settings
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.balancing import Balancer
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.model import CanaryArm, EdgeModel, Endpoint, Lease
from ostiary.guard.guarded_services import ServiceArm, guarded_services
from ostiary.guard.service_groups import ServiceGroups
from ostiary.guard.specs import replicas_of
from ostiary.runtime.ports import Replica

_ROUTE_TIMEOUTS_PER_TRY = 2.25
"""The route's time-out over that of one attempt: two attempts and the pause between them."""


class Snapshots(Protocol):
    """Where snapshots are kept."""

    def get(self, snapshot_id: str) -> Snapshot:
        """Return a snapshot by its id."""
        ...


@dataclass(frozen=True, slots=True)
class ServedEdge:
    """What a snapshot says of the edge that a running edge can take up; times in seconds."""

    status_url: str
    per_try_timeout_s: float
    balancer: Balancer
    weights: tuple[int, ...]
    capacity: float | tuple[float, ...] | None
    popups: bool
    hsts_s: int

    def weight(self, seat: int) -> int:
        """Return the weight of a seat; one that has none written counts as 1."""
        return self.weights[seat] if seat < len(self.weights) else 1

    def stated_capacity(self, seat: int) -> float | None:
        """Return the sign-ins a second that the replica at a seat can do, where it is stated."""
        if not isinstance(self.capacity, tuple):
            return self.capacity
        return self.capacity[seat] if seat < len(self.capacity) else None

    def intended_shares(self, seats: int) -> tuple[float, ...] | None:
        """Return the share of requests that each seat is to get; None where none is intended.

        Least request gives more to whoever is faster, and hashes go by who comes.
        """
        if self.balancer not in {Balancer.ROUND_ROBIN, Balancer.RANDOM}:
            return None
        weights = [self.weight(seat) for seat in range(seats)]
        return tuple(weight / sum(weights) for weight in weights)


@dataclass(frozen=True, slots=True)
class EdgeTerms:
    """What every edge model of one guard has in common: its epoch, and where it holds leases."""

    epoch: str
    lease_port: int


@dataclass(frozen=True, slots=True)
class Arm:
    """The canary's arm: whose settings, which replicas and change, and what it means to refuse."""

    snapshot: str
    change: str
    share: float
    endpoints: tuple[Endpoint, ...]
    same_replicas: bool
    intended: tuple[IntendedRefusal, ...] = ()


class EdgeModels:
    """Makes models of the edge, and knows what snapshots say of it."""

    def __init__(self, terms: EdgeTerms, snapshots: Snapshots) -> None:
        self._terms = terms
        self._snapshots = snapshots
        self._known: dict[str, tuple[Snapshot, ServedEdge]] = {}

    def served(self, snapshot: str) -> ServedEdge:
        """Return what a snapshot says of the edge; raises as `SnapshotStore.get` does."""
        return self._read(snapshot)[1]

    def changes_edge_only(self, new: str, old: str) -> bool:
        """Return whether a snapshot differs from another one in the edge only."""
        return changes_edge_only(self._read(new)[0], self._read(old)[0])

    def seats(self, snapshot: str) -> int:
        """Return how many replicas a group of the snapshot has."""
        return replicas_of(self._read(snapshot)[0])

    def endpoints(self, snapshot: str, replicas: Sequence[Replica]) -> tuple[Endpoint, ...]:
        """Return replicas as the edge is to see them under a snapshot's settings."""
        served = self.served(snapshot)
        return tuple(
            Endpoint(
                name=replica.name,
                host=replica.host,
                port=replica.port,
                health_port=replica.health_port,
                weight=served.weight(replica.seat),
                seat=replica.seat,
            )
            for replica in replicas
        )

    def service_weight(self, replica: Replica) -> int:
        """Return the weight of another service's replica, by the settings that it runs on."""
        settings = service_settings(self._read(replica.snapshot)[0], replica.service)
        return settings.weight(replica.seat)

    def placeholders(self, snapshot: str) -> tuple[Endpoint, ...]:
        """Return endpoints as a group of the snapshot would have them, at addresses of nobody."""
        served = self.served(snapshot)
        return tuple(
            Endpoint(f"candidate-{n}", "127.0.0.1", n + 1, n + 1, served.weight(n))
            for n in range(self.seats(snapshot))
        )

    def make(
        self,
        writes: int,
        last_good: str,
        serving: str,
        stable: Sequence[Replica],
        arm: Arm | None,
        *,
        services: ServiceGroups | None = None,
        service_arm: ServiceArm | None = None,
    ) -> EdgeModel:
        """Return the model with the number of its write in its version.

        `serving` is the snapshot that the stable replicas were started for and name in their
        answers; `last_good` differs from it in the edge and in other services at most.
        """
        groups = ServiceGroups() if services is None else services
        served = self.served(last_good)
        return EdgeModel(
            version=f"{self._terms.epoch}.{writes}",
            last_good=serving,
            stable=self.endpoints(last_good, stable),
            canary=None if arm is None else self._canary(arm),
            status_url=served.status_url,
            per_try_timeout_s=served.per_try_timeout_s,
            route_timeout_s=served.per_try_timeout_s * _ROUTE_TIMEOUTS_PER_TRY,
            balancer=served.balancer,
            popups=served.popups,
            hsts_s=served.hsts_s,
            services=guarded_services(groups, lambda name: self._read(name)[0], service_arm),
        )

    def lease(self, change: str) -> Lease:
        """Return the lease of a change's canary: what Envoy asks the guard for."""
        return Lease(change, self._terms.epoch, "127.0.0.1", self._terms.lease_port)

    def _canary(self, arm: Arm) -> CanaryArm:
        served = self.served(arm.snapshot)
        return CanaryArm(
            snapshot=arm.snapshot,
            endpoints=arm.endpoints,
            share=arm.share,
            lease=self.lease(arm.change),
            balancer=served.balancer,
            same_replicas=arm.same_replicas,
            per_try_timeout_s=served.per_try_timeout_s,
            intended=arm.intended,
        )

    def _read(self, snapshot: str) -> tuple[Snapshot, ServedEdge]:
        if snapshot not in self._known:
            # A snapshot never changes, and this is asked for at every write.
            read = self._snapshots.get(snapshot)
            self._known[snapshot] = (read, _served(read))
        return self._known[snapshot]


def _served(snapshot: Snapshot) -> ServedEdge:
    edge = edge_of(snapshot)
    return ServedEdge(
        status_url=edge.status_url,
        per_try_timeout_s=edge.per_try_timeout_seconds,
        balancer=Balancer(edge.balancer),
        weights=edge.weights,
        capacity=edge.capacity,
        popups=edge.popup_sign_in,
        hsts_s=edge.hsts_seconds,
    )
