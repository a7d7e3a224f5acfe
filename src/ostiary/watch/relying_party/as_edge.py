"""Asking a replica directly, in the way of the edge; or somebody else's server, as any proxy would.

A replica believes request id, scheme and attempt only from the edge. What asks it off traffic and
holds the edge's token can name its own requests, and so find them again in the replica's log, also
those that were never answered. And cookies are then those that users get behind the edge.

It comes from a network of its own besides. Where all users seem to come from one address, as behind
a proxy on the same machine, some of them mistype their passwords all the time, and whoever else
signs in from there has to wait: that would look like a fault of the service.
"""

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import ATTEMPT_HEADER, EDGE_HEADER, REQUEST_ID_HEADER

_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class AsEdge:
    """The edge's token, and what makes ids: each request has its own, as each is done once."""

    token: str = field(repr=False)
    rng: Random = field(repr=False, compare=False)
    address: str = "127.0.0.1"

    def from_elsewhere(self) -> "AsEdge":
        """Return the same from another address of this machine, with a range of its own around it.

        It is never in the range of 127.0.0.1, where a proxy's users would be.
        """
        second, third, last = (int(self.rng.hex(1), 16) for _ in range(3))
        return replace(self, address=f"127.{max(second, 1)}.{third}.{last}")

    def headers(self, issuer: str) -> dict[str, str]:
        """Return what the edge would add to a request that came to `issuer`."""
        return {
            EDGE_HEADER: self.token,
            REQUEST_ID_HEADER: f"j-{self.rng.hex(_ID_BYTES)}",
            ATTEMPT_HEADER: "1",
            "x-forwarded-proto": urlsplit(issuer).scheme,
            "x-forwarded-for": self.address,
        }


@dataclass(frozen=True, slots=True)
class AsProxy:
    """How a server that is not Ostiary's own is told which public address was asked.

    It gets no token: what would prove that it is the edge stays between edge and identity.
    """

    rng: Random = field(repr=False, compare=False)
    address: str = "127.0.0.1"

    def headers(self, issuer: str) -> dict[str, str]:
        """Return what a proxy in front of the server would add to a request for `issuer`."""
        public = urlsplit(issuer)
        return {
            REQUEST_ID_HEADER: f"j-{self.rng.hex(_ID_BYTES)}",
            "x-forwarded-proto": public.scheme,
            "x-forwarded-host": public.netloc,
            "x-forwarded-for": self.address,
        }
