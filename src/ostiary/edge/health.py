"""The canary's health as Envoy sees it, which is the lease together with its endpoints."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ostiary.edge.admin import EnvoySilentError
from ostiary.edge.clusters import CANARY_CLUSTER
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
    """Return the canary's health in the JSON form of Envoy's `/clusters`; without one, zeros."""
    for cluster in answer.get("cluster_statuses", ()):
        if cluster["name"] == CANARY_CLUSTER:
            # Priority 1 is the last good version, which stands behind the canary.
            own = [host for host in cluster.get("host_statuses", ()) if not host.get("priority")]
            return CanaryHealth(sum(_healthy(host) for host in own), len(own))
    return CanaryHealth(0, 0)


def _healthy(host: Mapping[str, Any]) -> bool:
    status = host.get("health_status", {})
    bad = ("failed_active_health_check", "pending_active_hc", "failed_outlier_check")
    return not any(status.get(each) for each in bad)
