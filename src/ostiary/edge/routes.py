"""Routes: which arm a request goes to, and when it is asked again."""

from typing import Any

from ostiary.edge.arm_fractions import arm_fractions, drawn_below
from ostiary.edge.balancing import Balancer, hash_policy
from ostiary.edge.cluster_limits import CONTROL_PRIORITY
from ostiary.edge.clusters import CANARY_CLUSTER, PINNED_CLUSTER, STABLE_CLUSTER
from ostiary.edge.model import EdgeModel
from ostiary.edge.retry_policies import canary_policy, second_try
from ostiary.edge.route_classes import (
    HIDDEN_PREFIXES,
    HIDDEN_ROUTE,
    ROUTE_CLASSES,
    Arm,
    RouteClass,
    route_name,
)
from ostiary.edge.services import service_routes
from ostiary.edge.xds import JsonObject, duration
from ostiary.kernel.outcomes import (
    EDGE_HEADER,
    OUTCOME_HEADER,
    PIN_HEADER,
    RECEIVED_HEADER,
)
from ostiary.kernel.request_kinds import KIND_HEADER
from ostiary.kernel.subjects import SUBJECT_HEADER

ROUTE_TABLE = "edge"
"""Name of the one route configuration."""

# Envoy names the moment at which a request began, and how long it took to arrive. Only the sum
# says when the client had shown all of it: the first alone could be hours before a body that a
# client holds back.
_RECEIVED = "%START_TIME(%s.%3f)%+%REQUEST_DURATION%"
_NOT_FOUND = (
    '{"error":"not_found","message":"There is nothing here.","hint":"Check the address."}\n'
)


def route_table(model: EdgeModel, edge_token: str, *, trusts_proxy: bool = False) -> JsonObject:
    """Return the route configuration (`envoy.config.route.v3.RouteConfiguration`).

    `trusts_proxy` says whose address a balancer that hashes goes by.
    """
    served = _served_routes(model, edge_token)
    for route in served:
        if _balancer(model, route["route"]["cluster"]).hashes:
            route["route"]["hash_policy"] = hash_policy(trusts_proxy=trusts_proxy)
    return {
        "name": ROUTE_TABLE,
        # Without this Envoy takes routes to a cluster it does not know, and answers 503.
        "validate_clusters": True,
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "include_request_attempt_count": True,
                "retry_policy": second_try(model),
                "request_headers_to_add": [
                    _header(EDGE_HEADER, edge_token),
                    _header(RECEIVED_HEADER, _RECEIVED),
                ],
                "request_headers_to_remove": [PIN_HEADER],
                # The outcome tells apart a wrong password from an unknown user; users must not.
                "response_headers_to_remove": [
                    OUTCOME_HEADER,
                    KIND_HEADER,
                    SUBJECT_HEADER,
                    "x-envoy-upstream-service-time",
                ],
                # Services first: within their own paths an escape means what they say it does.
                "routes": [*_service_routes(model, edge_token), *_hidden_routes(), *served],
            }
        ],
    }


def _service_routes(model: EdgeModel, edge_token: str) -> list[JsonObject]:
    return [route for service in model.services for route in service_routes(service, edge_token)]


def _header(name: str, value: str) -> JsonObject:
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _hidden_routes() -> list[JsonObject]:
    matches: list[JsonObject] = [{"path_separated_prefix": prefix} for prefix in HIDDEN_PREFIXES]
    # A replica decodes %61dmin to admin after the edge has compared it, so no path with an
    # escape passes. Nothing that identity serves needs one.
    matches.append({"safe_regex": {"regex": ".*%.*"}})
    answer = {"status": 404, "body": {"inline_string": _NOT_FOUND}}
    json_type = _header("content-type", "application/json")
    return [
        {
            "name": HIDDEN_ROUTE,
            "match": match,
            "direct_response": answer,
            "response_headers_to_add": [json_type],
        }
        for match in matches
    ]


def _served_routes(model: EdgeModel, edge_token: str) -> list[JsonObject]:
    routes = []
    for route_class in ROUTE_CLASSES:
        if model.canary is not None:
            routes.append(_pinned_route(route_class, model, edge_token))
        share = 0.0 if model.canary is None else model.canary.share
        routes.extend(
            _arm_route(route_class, model, arm, upper) for arm, upper in arm_fractions(share)
        )
    return routes


def _pinned_route(route_class: RouteClass, model: EdgeModel, edge_token: str) -> JsonObject:
    pin = {"name": PIN_HEADER, "string_match": {"exact": edge_token}}
    match = _match(route_class)
    match["headers"] = [*match.get("headers", []), pin]
    return {
        "name": route_name(route_class.name, Arm.PINNED),
        "match": match,
        "route": {
            "cluster": PINNED_CLUSTER,
            "timeout": duration(model.canary_per_try_timeout_s),
            # In place of the second opinion: a journey sees the canary as it is.
            "retry_policy": {"num_retries": 0},
        },
    }


def _arm_route(
    route_class: RouteClass, model: EdgeModel, arm: Arm, upper: int | None
) -> JsonObject:
    match = {**_match(route_class), **drawn_below(upper)}
    action: JsonObject = {
        "cluster": STABLE_CLUSTER,
        "timeout": duration(model.route_timeout_s),
    }
    if arm is Arm.CONTROL:
        action["priority"] = CONTROL_PRIORITY
    if arm is Arm.CANARY:
        action = {
            "cluster": CANARY_CLUSTER,
            "timeout": duration(model.canary_route_timeout_s),
            "retry_policy": canary_policy(model, route_class.name),
        }
    return {"name": route_name(route_class.name, arm), "match": match, "route": action}


def _balancer(model: EdgeModel, cluster: str) -> Balancer:
    if model.canary is None or cluster == STABLE_CLUSTER:
        return model.balancer
    return model.canary.balancer_in_arm


def _match(route_class: RouteClass) -> dict[str, Any]:
    match: dict[str, Any] = (
        {"path": route_class.path} if route_class.path else {"prefix": route_class.prefix}
    )
    if route_class.method:
        match["headers"] = [{"name": ":method", "string_match": {"exact": route_class.method}}]
    return match
