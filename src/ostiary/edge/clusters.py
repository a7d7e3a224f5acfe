"""Clusters: who can answer, how their health is known, and in which order they are asked."""

from ostiary.edge.balancing import Balancer, lb_policy
from ostiary.edge.cluster_limits import CONTROL_PRIORITY, budgeted, unlimited
from ostiary.edge.model import CanaryArm, EdgeModel, Endpoint, Lease
from ostiary.edge.route_classes import Served
from ostiary.edge.xds import JsonObject, duration, socket_address

STABLE_CLUSTER = "stable"
"""The last good version, by its own health."""

CANARY_CLUSTER = "canary"
"""The canary as long as its lease is answered, and behind it the last good version."""

PINNED_CLUSTER = "pinned"
"""The canary alone, whatever its lease: the guard's journeys must not meet anybody else."""

METADATA = "ostiary"
"""Name of the endpoint metadata by which attempts are counted apart."""

SERVED_KEY = "served"
SEAT_KEY = "seat"

DRAIN_S = 0.5
"""Seconds after which no first attempt goes to a canary whose guard is gone or hangs."""

LEASE_INTERVAL_S = 0.25
LEASE_TIMEOUT_S = 0.2
"""A guard that is stopped just after an answer is asked again an interval later, and found silent
a time-out after that; both together are less than `DRAIN_S`."""

LIVE_INTERVAL_S = 0.5
_LIVE_TIMEOUT_S = 1.0

_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
# Replicas may close idle connections; closing them first avoids the race.
_IDLE_S = 4.0


def clusters(model: EdgeModel) -> list[JsonObject]:
    """Return all clusters of the model (`envoy.config.cluster.v3.Cluster`)."""
    found = [_stable(model)]
    if model.canary is not None:
        found += [_canary(model, model.canary), _pinned(model.canary)]
    return found


def _stable(model: EdgeModel) -> JsonObject:
    endpoints = [_endpoint(each, Served.LAST_GOOD) for each in model.stable]
    for entry, endpoint in zip(endpoints, model.stable, strict=True):
        entry["endpoint"]["health_check_config"] = {"port_value": endpoint.health_port}
    return _cluster(
        STABLE_CLUSTER,
        model.balancer,
        limits=[budgeted("DEFAULT"), unlimited(CONTROL_PRIORITY)],
        load_assignment={"endpoints": [{"priority": 0, "lb_endpoints": endpoints}]},
        # With nobody healthy all are tried; with one healthy, only that one.
        panic_percent=1,
        health_checks=[
            {
                "timeout": duration(_LIVE_TIMEOUT_S),
                "interval": duration(LIVE_INTERVAL_S),
                "no_traffic_interval": duration(LIVE_INTERVAL_S),
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/live"},
            }
        ],
    )


def _canary(model: EdgeModel, canary: CanaryArm) -> JsonObject:
    first = [_endpoint(each, Served.CANARY) for each in canary.endpoints]
    for entry, endpoint in zip(first, canary.endpoints, strict=True):
        entry["endpoint"]["health_check_config"] = _lease_address(canary.lease, endpoint)
    second = [_endpoint(each, Served.LAST_GOOD) for each in model.stable]
    for entry in second:
        entry["endpoint"]["health_check_config"] = {"disable_active_health_check": True}
    return _cluster(
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
    endpoints = [_endpoint(each, Served.CANARY) for each in canary.endpoints]
    return _cluster(
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


def _endpoint(endpoint: Endpoint, served: Served) -> JsonObject:
    return {
        "endpoint": {"address": socket_address(endpoint.host, endpoint.port)},
        "metadata": {
            "filter_metadata": {METADATA: {SERVED_KEY: served.value, SEAT_KEY: str(endpoint.seat)}}
        },
        "load_balancing_weight": endpoint.weight,
    }


def _cluster(
    name: str,
    balancer: Balancer,
    *,
    limits: list[JsonObject],
    load_assignment: JsonObject,
    panic_percent: int,
    health_checks: list[JsonObject],
) -> JsonObject:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "0.5s",
        **lb_policy(balancer),
        "load_assignment": {"cluster_name": name, **load_assignment},
        "health_checks": health_checks,
        "common_lb_config": {
            "healthy_panic_threshold": {"value": panic_percent},
            "update_merge_window": "0s",
        },
        "circuit_breakers": {"thresholds": limits},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3"
                ".HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": duration(_IDLE_S)},
                "explicit_http_config": {"http_protocol_options": {}},
                "http_filters": _answer_filters(),
            }
        },
    }


def _answer_filters() -> list[JsonObject]:
    """Return filters that take from an answer what would tell the edge what to do.

    With `x-envoy-ratelimited` a release could forbid the second opinion on its own answer.
    """
    mutation = {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}}
    return [
        {
            "name": "envoy.filters.http.header_mutation",
            "typed_config": {
                "@type": f"{_FILTERS}.header_mutation.v3.HeaderMutation",
                "mutations": {"response_mutations": [mutation]},
            },
        },
        {
            "name": "envoy.filters.http.upstream_codec",
            "typed_config": {"@type": f"{_FILTERS}.upstream_codec.v3.UpstreamCodec"},
        },
    ]
