"""How the state of the whole system is told to operators."""

import os
from collections.abc import Iterator
from typing import Any

from ostiary.guard.load import LoadWatch
from ostiary.guard.plane import DataPlane
from ostiary.runtime.ports import Replica


def report_status(
    plane: DataPlane, issuer: str, change: dict[str, Any] | None, load: LoadWatch
) -> dict[str, Any]:
    """Return the status as JSON; what does not exist yet is null."""
    return {
        "running": True,
        "issuer": issuer,
        "status_url": None,
        "console": None,
        "admin_link": None,
        "demo": f"{issuer}/demo",
        "guard_pid": os.getpid(),
        "edge": [{"pid": pid} for pid in plane.edge_pids],
        "last_good": plane.last_good,
        "serving": plane.serving,
        "change": change,
        "replicas": [
            *(_row(replica, _stable_share(plane, replica), load) for replica in plane.stable),
            *(_row(replica, _canary_share(plane, replica), load) for replica in plane.canary),
            *_service_rows(plane),
        ],
        "incidents_open": None,
    }


def _stable_share(plane: DataPlane, replica: Replica) -> float:
    """Return the share of first attempts that a last good replica gets, by the weights."""
    canary = 0.0 if plane.services.changing else plane.share or 0.0
    share = (1.0 - canary) * _part(plane, plane.last_good, replica, plane.stable)
    if canary and plane.changes_edge_only(plane.canary_snapshot):
        share += canary * _part(plane, plane.canary_snapshot, replica, plane.stable)
    return share


def _canary_share(plane: DataPlane, replica: Replica) -> float | None:
    if plane.share is None:
        return None
    return plane.share * _part(plane, plane.canary_snapshot, replica, plane.canary)


def _part(plane: DataPlane, snapshot: str, replica: Replica, group: list[Replica]) -> float:
    served = plane.models.served(snapshot)
    return served.weight(replica.seat) / sum(served.weight(one.seat) for one in group)


def _service_rows(plane: DataPlane) -> Iterator[dict[str, Any]]:
    """Yield the replicas of other services, each with its share of the service's requests.

    Candidates that are not routed to have no share yet.
    """
    services = plane.services
    for service in services.names:
        changes = service in services.changing and plane.share is not None
        canary = plane.share if changes else None
        for group, share in (
            (services.members(service), 1.0 - (canary or 0.0)),
            (services.candidates_of(service), canary),
        ):
            weights = [plane.models.service_weight(each) for each in group]
            for replica, weight in zip(group, weights, strict=True):
                own = None if share is None else share * weight / sum(weights)
                yield _facts(replica) | {"share": own, "capacity": None, "load": None}


def _row(replica: Replica, share: float | None, load: LoadWatch) -> dict[str, Any]:
    return _facts(replica) | {
        "share": share,
        "capacity": load.capacity(replica),
        "load": load.load(replica),
    }


def _facts(replica: Replica) -> dict[str, Any]:
    return {
        "service": replica.service,
        "name": replica.name,
        "pid": replica.pid,
        "host": replica.host,
        "port": replica.port,
        "snapshot": replica.snapshot,
        "seat": replica.seat,
    }
