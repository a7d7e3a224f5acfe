"""How the requests of a group are spread over its replicas.

Round robin is the default. Least request sends ever more to a replica that fails fast, because
one that answers an error at once has the fewest requests under way; it suits replicas of unequal
speed that shed load early. Random takes no heed of weights. The hashes keep a client at one
replica as long as that is there, which is even only with many clients.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from ostiary.edge.xds import JsonObject

RING_ENTRIES_MIN = 1_024
"""Least entries of a ring hash; a replica gets them by its weight."""

MAGLEV_ENTRIES = 65_537
"""Entries of a Maglev table, a prime."""

_ATTEMPTS_MIN = 5
_MISSES_MAX = 1e-4


class Balancer(StrEnum):
    """The ways of spreading requests, by the words of the settings."""

    ROUND_ROBIN = "round_robin"
    LEAST_REQUEST = "least_request"
    RANDOM = "random"
    RING_HASH = "ring_hash"
    MAGLEV = "maglev"

    @property
    def hashes(self) -> bool:
        """Whether the replica follows from the client's address."""
        return self in {Balancer.RING_HASH, Balancer.MAGLEV}


def lb_policy(balancer: Balancer) -> JsonObject:
    """Return the fields of `envoy.config.cluster.v3.Cluster` for the balancer."""
    fields: JsonObject = {"lb_policy": balancer.value.upper()}
    if balancer is Balancer.RING_HASH:
        fields["ring_hash_lb_config"] = {"minimum_ring_size": RING_ENTRIES_MIN}
    if balancer is Balancer.MAGLEV:
        fields["maglev_lb_config"] = {"table_size": MAGLEV_ENTRIES}
    return fields


def hash_policy(*, trusts_proxy: bool) -> list[JsonObject]:
    """Return the `hash_policy` of a route for the balancers that hash.

    Envoy's own idea of the client's address is the other end of the connection. Behind a trusted
    proxy that is the same for everybody, and would send all to one replica; there the client is
    the last one in `X-Forwarded-For`.
    """
    if not trusts_proxy:
        return [{"connection_properties": {"source_ip": True}}]
    last = {"pattern": {"regex": r"^.*,\s*"}, "substitution": ""}
    return [{"header": {"header_name": "x-forwarded-for", "regex_rewrite": last}}]


def draws_for_another(weights: Sequence[int]) -> int:
    """Return how often a balancer has to draw until it names another replica than the last one.

    A second attempt is drawn like a first one, and drawn again while it names the replica that
    was asked already. With one heavy replica a few draws would all name that one.
    """
    heaviest = max(weights, default=1) / max(sum(weights), 1)
    if heaviest >= 1.0:
        return _ATTEMPTS_MIN
    return max(_ATTEMPTS_MIN, math.ceil(math.log(_MISSES_MAX) / math.log(heaviest)))
