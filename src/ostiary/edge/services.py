"""Services beside identity at the edge: whose requests are theirs, and how they are passed on.

A service is not asked for outcomes, and gets no second opinion yet: its requests go to its last
good replicas, in the arm `stable`. It never sees what only the edge and identity may say to each
other, and cannot say it either; for the rest its answers are its own.
"""

import re

from ostiary.edge.balancing import Balancer
from ostiary.edge.cluster_limits import unlimited
from ostiary.edge.cluster_parts import cluster, last_good_endpoints, live_check
from ostiary.edge.request_hygiene import INSIDE_PREFIXES
from ostiary.edge.route_classes import Arm, route_name, service_class
from ostiary.edge.security_headers import HEADER_FILTER
from ostiary.edge.service_model import GuardedService
from ostiary.edge.xds import JsonObject, duration

_TOKENS = "x-ostiary-"
_PREFIX_HEADER = "x-forwarded-prefix"
_SAFE_METHODS = "GET|HEAD|OPTIONS"
_DRAWS = 10


def service_cluster(service: GuardedService) -> JsonObject:
    """Return the cluster of a service's last good replicas, by their own health."""
    limits = unlimited("DEFAULT")
    if service.requests_max is not None:
        limits["max_requests"] = service.requests_max
    return cluster(
        service.cluster,
        Balancer.ROUND_ROBIN,
        limits=[limits],
        load_assignment={
            "endpoints": [{"priority": 0, "lb_endpoints": last_good_endpoints(service.endpoints)}]
        },
        panic_percent=1,
        health_checks=[live_check(service.health, ok=(200, 300))],
        filters=[_hygiene()],
    )


def service_routes(service: GuardedService) -> list[JsonObject]:
    """Return the routes of a service; what may be asked twice without harm comes first."""
    return [
        _route(service, prefix, number, methods)
        for number, prefix in enumerate(service.routes, start=1)
        for methods in (_SAFE_METHODS, "")
    ]


def _route(service: GuardedService, prefix: str, number: int, methods: str) -> JsonObject:
    match: JsonObject = {"path_separated_prefix": prefix}
    if methods:
        match["headers"] = [{"name": ":method", "string_match": {"safe_regex": {"regex": methods}}}]
    action: JsonObject = {
        "cluster": service.cluster,
        "timeout": duration(service.timeout_s),
        "retry_policy": _second_try(repeatable=bool(methods)),
    }
    route: JsonObject = {
        "name": route_name(service_class(service.name, number), Arm.STABLE),
        "match": match,
        "route": action,
        # What its answers tell browsers is the service's own business.
        "typed_per_filter_config": {
            HEADER_FILTER: {
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
                "disabled": True,
            }
        },
    }
    if service.strip_prefix:
        # A prefix rewrite would leave two slashes at the beginning, or none.
        pattern = {"regex": f"^{re.escape(prefix)}/?"}
        action["regex_rewrite"] = {"pattern": pattern, "substitution": "/"}
        route["request_headers_to_add"] = [
            {
                "header": {"key": _PREFIX_HEADER, "value": prefix},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ]
    return route


def _second_try(*, repeatable: bool) -> JsonObject:
    """Return the retry policy: once, of another replica, and never what may have been done.

    `repeatable` requests are asked again also where the connection broke off under way.
    """
    lost = "reset" if repeatable else "reset-before-request"
    return {
        "retry_on": f"connect-failure,refused-stream,{lost}",
        "num_retries": 1,
        "retry_back_off": {"base_interval": "0.002s", "max_interval": "0.01s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host"
                    ".previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": _DRAWS,
    }


def _hygiene() -> JsonObject:
    """Return the cluster's filter that keeps the edge's own words from the service, and back.

    With the edge token a service could pass for the edge at identity. Its answers say nothing by
    inside headers, so the counters of its routes have one outcome and stay few.
    """
    answers = [{"remove_on_match": {"key_matcher": {"prefix": each}}} for each in INSIDE_PREFIXES]
    return {
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3"
            ".HeaderMutation",
            "mutations": {
                "request_mutations": [{"remove_on_match": {"key_matcher": {"prefix": _TOKENS}}}],
                "response_mutations": answers,
            },
        },
    }
