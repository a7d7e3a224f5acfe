"""The clusters of services beside identity: last good, and during a change the canary.

The control arm is the cluster of last good, at Envoy's other priority, as identity's is.
"""

from ostiary.edge.balancing import Balancer
from ostiary.edge.canary_clusters import leased_cluster, pinned_cluster
from ostiary.edge.cluster_limits import CONTROL_PRIORITY, unlimited
from ostiary.edge.cluster_parts import (
    METADATA,
    SERVED_KEY,
    cluster,
    last_good_endpoints,
    live_check,
)
from ostiary.edge.request_hygiene import INSIDE_PREFIXES
from ostiary.edge.service_model import GuardedService
from ostiary.edge.xds import JsonObject
from ostiary.kernel.outcomes import OUTCOME_HEADER

_TOKENS = "x-ostiary-"
# Where filters of a cluster run, %RESPONSE_CODE% is 0 still.
_WHOSE_AND_STATUS = f"%UPSTREAM_METADATA({METADATA}:{SERVED_KEY})%/%RESP(:status)%"


def service_clusters(service: GuardedService) -> list[JsonObject]:
    """Return the clusters of a service: its last good replicas first, by their own health."""
    found = [_last_good(service)]
    if (canary := service.canary) is not None:
        balancer, filters = Balancer.ROUND_ROBIN, [_hygiene()]
        leased, pinned = service.canary_cluster, service.pinned_cluster
        candidates, last_good = canary.endpoints, service.endpoints
        found += [
            leased_cluster(leased, balancer, candidates, canary.lease, last_good, filters=filters),
            pinned_cluster(pinned, balancer, candidates, filters=filters),
        ]
    return found


def _last_good(service: GuardedService) -> JsonObject:
    limits = [unlimited("DEFAULT"), unlimited(CONTROL_PRIORITY)]
    if service.requests_max is not None:
        limits = [{**each, "max_requests": service.requests_max} for each in limits]
    return cluster(
        service.cluster,
        Balancer.ROUND_ROBIN,
        limits=limits,
        load_assignment={
            "endpoints": [{"priority": 0, "lb_endpoints": last_good_endpoints(service.endpoints)}]
        },
        panic_percent=1,
        health_checks=[live_check(service.health, ok=(200, 300))],
        filters=[_hygiene()],
    )


def _hygiene() -> JsonObject:
    """Return the cluster's filter that keeps the edge's own words from the service, and back.

    With the edge token a service could pass for the edge at identity. Its answers say nothing by
    inside headers; in their place the edge names whose answer it is, and its status.
    """
    answers: list[JsonObject] = [
        {"remove_on_match": {"key_matcher": {"prefix": each}}} for each in INSIDE_PREFIXES
    ]
    answers.append(
        {
            "append": {
                "header": {"key": OUTCOME_HEADER, "value": _WHOSE_AND_STATUS},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        }
    )
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
