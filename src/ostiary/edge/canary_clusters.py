"""Clusters in which a canary is asked: under its lease with last good behind it, or alone."""

from collections.abc import Sequence

from ostiary.edge.balancing import Balancer
from ostiary.edge.cluster_limits import unlimited
from ostiary.edge.cluster_parts import cluster, endpoint_of
from ostiary.edge.endpoints import Endpoint, Lease
from ostiary.edge.route_classes import Served
from ostiary.edge.xds import JsonObject, duration, socket_address

DRAIN_S = 0.5
"""Seconds after which no first attempt goes to a canary whose guard is gone or hangs."""

LEASE_INTERVAL_S = 0.25
LEASE_TIMEOUT_S = 0.2
"""A guard that is stopped just after an answer is asked again an interval later, and found silent
a time-out after that; both together are less than `DRAIN_S`."""


def leased_cluster(
    name: str,
    balancer: Balancer,
    candidates: Sequence[Endpoint],
    lease: Lease,
    last_good: Sequence[Endpoint],
    *,
    filters: Sequence[JsonObject] = (),
) -> JsonObject:
    """Return the cluster of a canary as long as its lease is answered, and of last good behind it.

    It has no limits: what is above one is answered 503, and is not asked again.
    """
    first = [endpoint_of(each, Served.CANARY) for each in candidates]
    for entry, endpoint in zip(first, candidates, strict=True):
        entry["endpoint"]["health_check_config"] = _lease_address(lease, endpoint)
    second = [endpoint_of(each, Served.LAST_GOOD) for each in last_good]
    for entry in second:
        entry["endpoint"]["health_check_config"] = {"disable_active_health_check": True}
    return cluster(
        name,
        balancer,
        limits=[unlimited("DEFAULT")],
        load_assignment={
            "endpoints": [
                {"priority": 0, "lb_endpoints": first},
                {"priority": 1, "lb_endpoints": second},
            ],
            # One healthy canary keeps all first attempts: otherwise the last good version would
            # answer some of them, and its refusals would come back to the canary.
            "policy": {"overprovisioning_factor": 100 * (len(first) + 1)},
        },
        panic_percent=0,
        health_checks=[_lease_check(lease)],
        filters=filters,
    )


def pinned_cluster(
    name: str,
    balancer: Balancer,
    candidates: Sequence[Endpoint],
    *,
    filters: Sequence[JsonObject] = (),
) -> JsonObject:
    """Return the cluster of the canary alone, whatever its lease.

    The guard's journeys must not meet anybody else there.
    """
    endpoints = [endpoint_of(each, Served.CANARY) for each in candidates]
    return cluster(
        name,
        balancer,
        limits=[unlimited("DEFAULT")],
        load_assignment={"endpoints": [{"priority": 0, "lb_endpoints": endpoints}]},
        panic_percent=0,
        health_checks=[],
        filters=filters,
    )


def _lease_check(lease: Lease) -> JsonObject:
    return {
        "timeout": duration(LEASE_TIMEOUT_S),
        "interval": duration(LEASE_INTERVAL_S),
        "no_traffic_interval": duration(LEASE_INTERVAL_S),
        "unhealthy_threshold": 1,
        "healthy_threshold": 1,
        "http_health_check": {"path": lease.path},
    }


def _lease_address(lease: Lease, endpoint: Endpoint) -> JsonObject:
    # The name arrives as Host, so that the guard can withdraw a single replica.
    return {"address": socket_address(lease.host, lease.port), "hostname": endpoint.name}
