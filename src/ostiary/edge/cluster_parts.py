"""What clusters are made of: endpoints, health checks, and filters on what replicas answer."""

from collections.abc import Sequence

from ostiary.edge.balancing import Balancer, lb_policy
from ostiary.edge.endpoints import Endpoint
from ostiary.edge.route_classes import Served
from ostiary.edge.xds import JsonObject, duration, socket_address

METADATA = "ostiary"
"""Name of the endpoint metadata by which attempts are counted apart."""

SERVED_KEY = "served"
SEAT_KEY = "seat"

LIVE_INTERVAL_S = 0.5
_LIVE_TIMEOUT_S = 1.0

_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
# Replicas may close idle connections; closing them first avoids the race.
_IDLE_S = 4.0


def endpoint_of(endpoint: Endpoint, served: Served) -> JsonObject:
    """Return a replica as Envoy knows it, with what its attempts are counted by."""
    return {
        "endpoint": {"address": socket_address(endpoint.host, endpoint.port)},
        "metadata": {
            "filter_metadata": {METADATA: {SERVED_KEY: served.value, SEAT_KEY: str(endpoint.seat)}}
        },
        "load_balancing_weight": endpoint.weight,
    }


def last_good_endpoints(members: Sequence[Endpoint]) -> list[JsonObject]:
    """Return replicas of a last good version, each with the port at which its health is asked."""
    endpoints = [endpoint_of(each, Served.LAST_GOOD) for each in members]
    for entry, endpoint in zip(endpoints, members, strict=True):
        entry["endpoint"]["health_check_config"] = {"port_value": endpoint.health_port}
    return endpoints


def live_check(path: str, ok: tuple[int, int] | None = None) -> JsonObject:
    """Return how Envoy learns whether a replica lives; `ok` are statuses, the last one excluded."""
    asked: JsonObject = {"path": path}
    if ok is not None:
        asked["expected_statuses"] = [{"start": ok[0], "end": ok[1]}]
    return {
        "timeout": duration(_LIVE_TIMEOUT_S),
        "interval": duration(LIVE_INTERVAL_S),
        "no_traffic_interval": duration(LIVE_INTERVAL_S),
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        "http_health_check": asked,
    }


def cluster(
    name: str,
    balancer: Balancer,
    *,
    limits: list[JsonObject],
    load_assignment: JsonObject,
    panic_percent: int,
    health_checks: list[JsonObject],
    filters: Sequence[JsonObject] = (),
) -> JsonObject:
    """Return one cluster; `filters` come before those that clean answers for the edge."""
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
                "http_filters": [*filters, *_answer_filters()],
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
