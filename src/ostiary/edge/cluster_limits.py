"""How much a cluster takes at the same time, and how many of that may be retries."""

from ostiary.edge.xds import JsonObject

CONTROL_PRIORITY = "HIGH"
"""Envoy's priority for the control arm. It has the limits of the canary's cluster, so that both
arms are asked again alike while retries of everybody else are budgeted."""

RETRIES_AT_ONCE = 100
"""Retries that the last good version gets at the same time in any case: more than one of its
replicas has requests under way, so that none is lost when a replica dies."""

RETRY_PERCENT = 20
"""Beyond those, retries are this share of the requests under way."""

_PLENTY = 1_000_000


def unlimited(priority: str) -> JsonObject:
    """Return limits that nothing reaches: replicas shed load themselves.

    Envoy's own default of 3 retries at a time would drop second opinions in a surge.
    """
    return {
        "priority": priority,
        "max_connections": _PLENTY,
        "max_pending_requests": _PLENTY,
        "max_requests": _PLENTY,
        "max_retries": _PLENTY,
    }


def budgeted(priority: str) -> JsonObject:
    """Return limits that end a storm of retries while no replica can serve them."""
    budget = {
        "budget_percent": {"value": RETRY_PERCENT},
        "min_retry_concurrency": RETRIES_AT_ONCE,
    }
    return {**unlimited(priority), "retry_budget": budget}
