"""What the edge is to do, told from what the data plane holds."""

from typing import Protocol

from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.model import EdgeModel
from ostiary.guard.edge_models import Arm, EdgeModels
from ostiary.guard.guarded_services import ServiceArm
from ostiary.guard.service_groups import ServiceGroups
from ostiary.runtime.ports import Replica

_TRIED_SHARE = 0.5
"""With it Envoy is shown every route that a canary may have."""

_WRITE_SECONDS = 1.0
"""How long new routes may take to be in effect before the arm that they leave loses its lease."""


class Plane(Protocol):
    """What is read of the data plane; `DataPlane` says what each part means."""

    models: EdgeModels
    last_good: str
    serving: str
    stable: list[Replica]
    canary: list[Replica]
    services: ServiceGroups
    canary_snapshot: str
    change: str
    share: float | None
    intended: tuple[IntendedRefusal, ...]


def present_edge(plane: Plane, write: int) -> EdgeModel:
    """Return what the edge is to do now, under the number of a write."""
    snapshot, share = plane.canary_snapshot, plane.share
    if share is None:
        return _model(plane, write)
    if plane.services.changing:
        return _model(plane, write, service_arm=_service_arm(plane, snapshot, share))
    edge_only = plane.models.changes_edge_only(snapshot, plane.last_good)
    group = plane.stable if edge_only else plane.canary
    endpoints = plane.models.endpoints(snapshot, group)
    arm = Arm(snapshot, plane.change or "none", share, endpoints, edge_only, plane.intended)
    return _model(plane, write, arm)


def edge_to_try(plane: Plane, snapshot: str) -> EdgeModel:
    """Return what a canary of a snapshot would make of the edge, at addresses of nobody."""
    if plane.services.changing:
        service_arm = _service_arm(plane, snapshot, _TRIED_SHARE, placeholders=True)
        return _model(plane, 0, service_arm=service_arm)
    edge_only = plane.models.changes_edge_only(snapshot, plane.last_good)
    endpoints = plane.models.placeholders(snapshot)
    arm = Arm(snapshot, plane.change or "none", _TRIED_SHARE, endpoints, edge_only, plane.intended)
    return _model(plane, 0, arm)


def under_way_seconds(plane: Plane) -> float:
    """Return how long requests of the arm may still need its lease; 0 where they need none.

    A change of the edge has the same replicas behind its arm as in it. Without the lease the edge
    would take them for others there, and a second attempt could meet the very replica whose
    overload it is to get around.
    """
    models, arms = plane.models, (plane.last_good, plane.canary_snapshot)
    if plane.share is None or not models.changes_edge_only(plane.canary_snapshot, plane.last_good):
        return 0.0
    return _WRITE_SECONDS + max(models.served(each).per_try_timeout_s for each in arms)


def _service_arm(
    plane: Plane, snapshot: str, share: float, *, placeholders: bool = False
) -> ServiceArm:
    return ServiceArm(snapshot, share, plane.models.lease(plane.change or "none"), placeholders)


def _model(
    plane: Plane, write: int, arm: Arm | None = None, *, service_arm: ServiceArm | None = None
) -> EdgeModel:
    return plane.models.make(
        write,
        plane.last_good,
        plane.serving,
        plane.stable,
        arm,
        services=plane.services,
        service_arm=service_arm,
    )
