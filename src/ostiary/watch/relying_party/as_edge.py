"""Asking a replica directly, in the way of the edge.

A replica believes request id, scheme and attempt only from the edge. What asks it off traffic and
holds the edge's token can name its own requests, and so find them again in the replica's log, also
those that were never answered. And cookies are then those that users get behind the edge.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import ATTEMPT_HEADER, EDGE_HEADER, REQUEST_ID_HEADER

_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class AsEdge:
    """The edge's token, and what makes ids: each request has its own, as each is done once."""

    token: str = field(repr=False)
    rng: Random = field(repr=False, compare=False)

    def headers(self, issuer: str) -> dict[str, str]:
        """Return what the edge would add to a request that came to `issuer`."""
        return {
            EDGE_HEADER: self.token,
            REQUEST_ID_HEADER: f"j-{self.rng.hex(_ID_BYTES)}",
            ATTEMPT_HEADER: "1",
            "x-forwarded-proto": urlsplit(issuer).scheme,
        }
