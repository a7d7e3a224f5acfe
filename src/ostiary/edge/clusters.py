"""Clusters: who can answer, how their health is known, and in which order they are asked."""

from ostiary.edge.cluster_limits import CONTROL_PRIORITY, budgeted, unlimited
from ostiary.edge.cluster_parts import cluster, endpoint_of, last_good_endpoints, live_check
from ostiary.edge.model import CanaryArm, EdgeModel, Endpoint, Lease
from ostiary.edge.route_classes import Served
from ostiary.edge.services import service_cluster
from ostiary.edge.xds import JsonObject, duration, socket_address

STABLE_CLUSTER = "stable"
"""The last good version, by its own health."""

CANARY_CLUSTER = "canary"
"""The canary as long as its lease is answered, and behind it the last good version."""

PINNED_CLUSTER = "pinned"
"""The canary alone, whatever its lease: the guard's journeys must not meet anybody else."""

DRAIN_S = 0.5
"""Seconds after which no first attempt goes to a canary whose guard is gone or hangs."""

LEASE_INTERVAL_S = 0.25
LEASE_TIMEOUT_S = 0.2
"""A guard that is stopped just after an answer is asked again an interval later, and found silent
a time-out after that; both together are less than `DRAIN_S`."""


def clusters(model: EdgeModel) -> list[JsonObject]:
    """Return all clusters of the model (`envoy.config.cluster.v3.Cluster`)."""
    found = [_stable(model)]
    if model.canary is not None:
        found += [_canary(model, model.canary), _pinned(model.canary)]
    return [*found, *map(service_cluster, model.services)]


def _stable(model: EdgeModel) -> JsonObject:
    endpoints = last_good_endpoints(model.stable)
    return cluster(
        STABLE_CLUSTER,
        model.balancer,
        limits=[budgeted("DEFAULT"), unlimited(CONTROL_PRIORITY)],
        load_assignment={"endpoints": [{"priority": 0, "lb_endpoints": endpoints}]},
        # With nobody healthy all are tried; with one healthy, only that one.
        panic_percent=1,
        health_checks=[live_check("/live")],
    )


def _canary(model: EdgeModel, canary: CanaryArm) -> JsonObject:
    first = [endpoint_of(each, Served.CANARY) for each in canary.endpoints]
    for entry, endpoint in zip(first, canary.endpoints, strict=True):
        entry["endpoint"]["health_check_config"] = _lease_address(canary.lease, endpoint)
    second = [endpoint_of(each, Served.LAST_GOOD) for each in model.stable]
    for entry in second:
        entry["endpoint"]["health_check_config"] = {"disable_active_health_check": True}
    return cluster(
        CANARY_CLUSTER,
        canary.balancer_in_arm,
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
        health_checks=[
            {
                "timeout": duration(LEASE_TIMEOUT_S),
                "interval": duration(LEASE_INTERVAL_S),
                "no_traffic_interval": duration(LEASE_INTERVAL_S),
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "http_health_check": {"path": canary.lease.path},
            }
        ],
    )


def _pinned(canary: CanaryArm) -> JsonObject:
    endpoints = [endpoint_of(each, Served.CANARY) for each in canary.endpoints]
    return cluster(
        PINNED_CLUSTER,
        canary.balancer_in_arm,
        limits=[unlimited("DEFAULT")],
        load_assignment={"endpoints": [{"priority": 0, "lb_endpoints": endpoints}]},
        panic_percent=0,
        health_checks=[],
    )


def _lease_address(lease: Lease, endpoint: Endpoint) -> JsonObject:
    # The name arrives as Host, so that the guard can withdraw a single replica.
    return {"address": socket_address(lease.host, lease.port), "hostname": endpoint.name}
