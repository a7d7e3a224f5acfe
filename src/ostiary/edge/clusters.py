"""Clusters: who can answer, how their health is known, and in which order they are asked."""

from ostiary.edge.canary_clusters import leased_cluster, pinned_cluster
from ostiary.edge.cluster_limits import CONTROL_PRIORITY, budgeted, unlimited
from ostiary.edge.cluster_parts import cluster, last_good_endpoints, live_check
from ostiary.edge.model import EdgeModel
from ostiary.edge.service_clusters import service_clusters
from ostiary.edge.service_model import SERVICE_CANARY_PREFIX
from ostiary.edge.xds import JsonObject

STABLE_CLUSTER = "stable"
"""The last good version, by its own health."""

CANARY_CLUSTER = "canary"
"""The canary as long as its lease is answered, and behind it the last good version."""

PINNED_CLUSTER = "pinned"
"""The canary alone, whatever its lease: the guard's journeys must not meet anybody else."""


def clusters(model: EdgeModel) -> list[JsonObject]:
    """Return all clusters of the model (`envoy.config.cluster.v3.Cluster`)."""
    found = [_stable(model)]
    if (canary := model.canary) is not None:
        balancer, candidates = canary.balancer_in_arm, canary.endpoints
        found += [
            leased_cluster(CANARY_CLUSTER, balancer, candidates, canary.lease, model.stable),
            pinned_cluster(PINNED_CLUSTER, balancer, candidates),
        ]
    return [*found, *(each for service in model.services for each in service_clusters(service))]


def is_canary_cluster(name: str) -> bool:
    """Return whether a cluster is identity's canary, or another service's, under its lease."""
    return name == CANARY_CLUSTER or name.startswith(SERVICE_CANARY_PREFIX)


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
