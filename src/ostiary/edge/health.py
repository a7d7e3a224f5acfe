"""The canary's health as Envoy sees it, which is the lease together with its endpoints."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ostiary.edge.admin import EnvoySilentError
from ostiary.edge.clusters import is_canary_cluster
from ostiary.edge.envoys import Envoy


@dataclass(frozen=True, slots=True)
class CanaryHealth:
    """How many of the canary's hosts get traffic, and how many there are."""

    healthy: int
    hosts: int


async def seen_health(envoys: Sequence[Envoy]) -> CanaryHealth:
    """Return the health by the Envoy that sees least of it; zeros where none answers."""
    seen = []
    for envoy in envoys:
        with suppress(EnvoySilentError):
            seen.append(parse_canary_health(await envoy.admin.clusters()))
    return min(seen, key=lambda each: each.healthy, default=CanaryHealth(0, 0))


def parse_canary_health(answer: Mapping[str, Any]) -> CanaryHealth:
    """Return the canaries' health in the JSON form of Envoy's `/clusters`; without one, zeros.

    Services that change together are counted together.
    """
    own = [
        host
        for cluster in answer.get("cluster_statuses", ())
        if is_canary_cluster(cluster["name"])
        for host in cluster.get("host_statuses", ())
        # Priority 1 is the last good version, which stands behind the canary.
        if not host.get("priority")
    ]
    return CanaryHealth(sum(map(_healthy, own)), len(own))


def _healthy(host: Mapping[str, Any]) -> bool:
    status = host.get("health_status", {})
    bad = ("failed_active_health_check", "pending_active_hc", "failed_outlier_check")
    return not any(status.get(each) for each in bad)
