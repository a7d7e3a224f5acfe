"""Routes of services beside identity: whose requests are theirs, and how they are passed on.

A service never sees what only the edge and identity may say to each other, and cannot say it
either; for the rest its answers are its own. While a change of it is in canary or bake, it has
arms and second opinions as identity has.
"""

import re
from collections.abc import Iterator

from ostiary.edge.arm_fractions import arm_fractions, drawn_below
from ostiary.edge.cluster_limits import CONTROL_PRIORITY
from ostiary.edge.route_classes import Arm, route_name, service_class
from ostiary.edge.security_headers import HEADER_FILTER
from ostiary.edge.service_model import GuardedService
from ostiary.edge.service_policies import retry_policy, route_timeout_s
from ostiary.edge.xds import JsonObject, duration
from ostiary.kernel.outcomes import PIN_HEADER

UNSAFE_SHARE_MAX = 0.9
"""The most of the requests that are not safe which a canary gets, in bake as well.

No second opinion tells what is wrong with them, so a control arm has to be there as long as the
canary is.
"""

_PREFIX_HEADER = "x-forwarded-prefix"
_SAFE_METHODS = {
    "name": ":method",
    "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}},
}


def service_routes(service: GuardedService, edge_token: str) -> list[JsonObject]:
    """Return the routes of a service; what may be asked twice without harm comes first.

    `edge_token` is what the guard's journeys say to reach the canary.
    """
    return [
        _arm_route(service, number, arm, match, safe=safe)
        for number, route in enumerate(service.routes, start=1)
        for safe, requests in _matches(service, route)
        for arm, match in _arms(service, requests, edge_token, safe=safe)
    ]


def _matches(service: GuardedService, route: str) -> Iterator[tuple[bool, JsonObject]]:
    """Yield the requests below a route, each with whether they may be asked twice."""
    for path in service.safe_paths(route):
        yield True, {"path_separated_prefix": path}
    yield True, {"path_separated_prefix": route, "headers": [_SAFE_METHODS]}
    yield False, {"path_separated_prefix": route}


def _arms(
    service: GuardedService, requests: JsonObject, edge_token: str, *, safe: bool
) -> Iterator[tuple[Arm, JsonObject]]:
    """Yield the arms of these requests in matching order, each with what it takes of them."""
    share = 0.0
    if service.canary is not None:
        pin = {"name": PIN_HEADER, "string_match": {"exact": edge_token}}
        yield Arm.PINNED, {**requests, "headers": [*requests.get("headers", []), pin]}
        share = service.canary.share if safe else min(service.canary.share, UNSAFE_SHARE_MAX)
    for arm, upper in arm_fractions(share):
        yield arm, {**requests, **drawn_below(upper)}


def _arm_route(
    service: GuardedService, number: int, arm: Arm, match: JsonObject, *, safe: bool
) -> JsonObject:
    action: JsonObject = {
        "cluster": _cluster(service, arm),
        "timeout": duration(route_timeout_s(service, arm)),
        "retry_policy": retry_policy(service, arm, safe=safe),
    }
    if arm is Arm.CONTROL:
        action["priority"] = CONTROL_PRIORITY
    route: JsonObject = {
        "name": route_name(service_class(service.name, number, safe=safe), arm),
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
        prefix = service.routes[number - 1]
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


def _cluster(service: GuardedService, arm: Arm) -> str:
    if arm is Arm.CANARY:
        return service.canary_cluster
    return service.pinned_cluster if arm is Arm.PINNED else service.cluster
