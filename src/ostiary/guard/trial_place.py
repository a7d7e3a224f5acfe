"""Where the guard's journeys go."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx

from ostiary.runtime.ports import Replica
from ostiary.watch.journeys.pinned import PINNED
from ostiary.watch.relying_party.as_edge import AsEdge
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target


@dataclass(frozen=True, slots=True)
class TrialPlace:
    """Where journeys go. `edge_url` is the edge's own address, `issuer` what users call it.

    `edge_transport` makes what connects to the edge, which has a certificate of its own. With
    `as_edge` replicas are asked as the edge asks them, so that each request can be named.
    """

    edge_url: str
    issuer: str
    leeway_seconds: float
    admin_token: str = field(repr=False)
    pin_token: str = field(repr=False)
    edge_transport: Callable[[], httpx.AsyncBaseTransport] = KeptConnections
    as_edge: AsEdge | None = None

    @property
    def edge(self) -> Target:
        """Return the edge as users reach it."""
        return Target("edge", self.edge_url, self.issuer)

    @property
    def canary(self) -> Target:
        """Return the canary on the way that only the guard's pin opens."""
        return Target(PINNED, self.edge_url, self.issuer, pin=self.pin_token)

    def replica(self, replica: Replica, name: str) -> Target:
        """Return a replica at its own port."""
        return Target(
            name, url_of(replica), self.issuer, snapshot=replica.snapshot, as_edge=self.as_edge
        )

    def from_elsewhere(self) -> "TrialPlace":
        """Return the same for somebody from another network: what failed before stays behind."""
        return replace(self, as_edge=self.as_edge and self.as_edge.from_elsewhere())


def url_of(replica: Replica) -> str:
    """Return the address of a replica's own port."""
    host = f"[{replica.host}]" if ":" in replica.host else replica.host
    return f"http://{host}:{replica.port}"
