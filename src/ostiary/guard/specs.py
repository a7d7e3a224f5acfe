"""What a snapshot says of running a service: how many replicas, how large, and each of them.

The one place that knows where identity's settings stand and where those of others do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.changes.edge_change import edge_of
from ostiary.changes.service_change import service_settings
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.ids import Random, new_id
from ostiary.runtime import resources
from ostiary.runtime.ports import IDENTITY, ReplicaSpec


@dataclass(frozen=True, slots=True)
class FleetPlace:
    """What all replicas of one data directory share."""

    issuer: str
    database_url: str
    start_seconds_max: float
    stop_seconds_max: float
    edge_url: str = ""


def settings_of(snapshot: Snapshot, service: str) -> Mapping[str, Any]:
    """Return the table of a service, without what only the guard does with it."""
    if service == IDENTITY:
        return dict(snapshot.settings[IDENTITY])
    return service_settings(snapshot, service).model_dump(mode="json", exclude={"journeys", "oidc"})


def replicas_of(snapshot: Snapshot, service: str = IDENTITY) -> int:
    """Return how many replicas a service has."""
    if service == IDENTITY:
        return int(settings_of(snapshot, service)["replicas"])
    return service_settings(snapshot, service).seats


def memory_max_mib(snapshot: Snapshot, service: str) -> int:
    """Return how much memory a replica of a service may keep."""
    settings = settings_of(snapshot, service)
    if service == IDENTITY:
        return resources.memory_max_mib(settings)
    return int(settings["memory_max_mib"])


def start_seconds_max(snapshot: Snapshot, service: str, place: FleetPlace) -> float:
    """Return how long a replica of a service may take until it is ready."""
    if service == IDENTITY:
        return place.start_seconds_max
    return float(settings_of(snapshot, service)["start_seconds_max"])


def spec_of(
    snapshot: Snapshot, service: str, seat: int, place: FleetPlace, rng: Random
) -> ReplicaSpec:
    """Return what to run: a new replica of a service. Only identity is told of the database."""
    is_identity = service == IDENTITY
    return ReplicaSpec(
        service=service,
        name=new_id(service, rng),
        snapshot=snapshot.id,
        # What somebody else runs has no release that is known here.
        release=snapshot.releases.get(service, ""),
        settings=settings_of(snapshot, service),
        flags=snapshot.settings["flags"] if is_identity else {},
        issuer=place.issuer,
        database_url=place.database_url if is_identity else "",
        status_url=edge_of(snapshot).status_url,
        seat=seat,
        edge_url=place.edge_url,
    )
