"""From a service's group of replicas to what the edge is to know of it."""

from collections.abc import Sequence

from ostiary.changes.service_change import service_settings
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.endpoints import Endpoint
from ostiary.edge.service_model import GuardedService
from ostiary.runtime.ports import Replica


def guarded_service(
    snapshot: Snapshot, service: str, replicas: Sequence[Replica]
) -> GuardedService:
    """Return a service with these replicas as the edge is to see it."""
    settings = service_settings(snapshot, service)
    capacity = settings.capacity
    return GuardedService(
        name=service,
        endpoints=tuple(
            Endpoint(
                each.name,
                each.host,
                each.port,
                each.health_port,
                weight=settings.weight(each.seat),
                seat=each.seat,
            )
            for each in replicas
        ),
        routes=settings.routes,
        health=settings.health,
        timeout_s=settings.timeout_seconds,
        strip_prefix=settings.strip_prefix,
        requests_max=None if capacity is None else capacity * max(1, len(replicas)),
        ask_again=settings.ask_again,
    )
