"""A plain load balancer in place of the guarded edge: what stood before the users in the outage.

It spreads by the weights of its settings and does nothing else: no request is asked of another
replica, and nobody looks at how load falls. The edge's files are written beside the guard, which
is stopped meanwhile; it would put them right again.
"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.system import DrillSystem
from ostiary.edge.bootstrap import CLUSTER_FILE, ROUTE_FILE
from ostiary.edge.clusters import STABLE_CLUSTER
from ostiary.edge.files import XdsDirectory, XdsFile, xds_file

_RETRIES: Final = "retry_policy"


def guard_pid(system: DrillSystem) -> int:
    """Return the process of a system's guard."""
    return int(system.guard.get("/status")["guard_pid"])


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process stand still until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        # It may have been killed meanwhile.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def spread_plainly(edge_directory: Path, edge: Mapping[str, Any]) -> None:
    """Write the edge's files as a plain balancer with these settings of `[edge]` has them.

    Only `weights` can be put there. Raises `FaultNotInjectableError` for any other key, and where
    there is no edge with as many replicas.
    """
    others = set(edge) - {"weights"}
    if others:
        raise _not_injectable(f"without a guard only `weights` can be put there, not {others}")
    directory = XdsDirectory(edge_directory)
    clusters, routes = directory.read(CLUSTER_FILE), directory.read(ROUTE_FILE)
    if clusters is None or routes is None:
        raise _not_injectable("the edge's files cannot be read")
    directory.write(with_weights(clusters, edge["weights"]))
    directory.write(without_second_attempts(routes))


def with_weights(clusters: XdsFile, weights: Sequence[int]) -> XdsFile:
    """Return the clusters with these weights of the last good replicas, by seat."""
    return xds_file(
        clusters.name,
        [
            _weighted(each, weights) if each["name"] == STABLE_CLUSTER else each
            for each in clusters.resources
        ],
        label="plain",
    )


def without_second_attempts(routes: XdsFile) -> XdsFile:
    """Return the routes without any retry policy: the first answer stands."""
    return replace(routes, version=f"plain/{routes.version}", resources=_bare(routes.resources))


def _weighted(cluster: dict[str, Any], weights: Sequence[int]) -> dict[str, Any]:
    (group,) = cluster["load_assignment"]["endpoints"]
    endpoints = group["lb_endpoints"]
    if len(endpoints) != len(weights):
        raise _not_injectable(f"there are {len(endpoints)} replicas and {len(weights)} weights")
    weighted = [
        {**endpoint, "load_balancing_weight": weights[int(_seat(endpoint))]}
        for endpoint in endpoints
    ]
    assignment = {**cluster["load_assignment"], "endpoints": [{**group, "lb_endpoints": weighted}]}
    return {**cluster, "load_assignment": assignment}


def _seat(endpoint: Mapping[str, Any]) -> str:
    return str(endpoint["metadata"]["filter_metadata"]["ostiary"]["seat"])


def _bare(value: Any) -> Any:  # noqa: ANN401 - JSON of any form
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if key != _RETRIES}
    if isinstance(value, list | tuple):
        return type(value)(_bare(each) for each in value)
    return value


def _not_injectable(why: str) -> FaultNotInjectableError:
    return FaultNotInjectableError(
        "fault_not_injectable",
        f"The fault does not fit the edge: {why}.",
        hint="Write one weight for each replica of `[topology]` as `weights` in "
        "`[fault.settings.edge]`.",
    )
