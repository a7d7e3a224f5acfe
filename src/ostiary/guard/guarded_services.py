"""From a service's groups of replicas to what the edge is to know of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ostiary.changes.service_change import service_settings
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.endpoints import Endpoint, Lease
from ostiary.edge.service_model import GuardedService, ServiceCanary
from ostiary.guard.service_groups import ServiceGroups
from ostiary.runtime.ports import Replica


@dataclass(frozen=True, slots=True)
class ServiceArm:
    """The arm of the canary in a change of services: whose settings, with which share and lease.

    `placeholders` says that the candidates do not run yet: then Envoy judges addresses of nobody.
    """

    snapshot: str
    share: float
    lease: Lease
    placeholders: bool = False


def guarded_services(
    groups: ServiceGroups, read: Callable[[str], Snapshot], arm: ServiceArm | None = None
) -> tuple[GuardedService, ...]:
    """Return all services as the edge is to see them, those that change with their canary."""
    return tuple(_guarded_service(groups, name, read, arm) for name in groups.names)


def _guarded_service(
    groups: ServiceGroups, name: str, read: Callable[[str], Snapshot], arm: ServiceArm | None
) -> GuardedService:
    settings = service_settings(read(groups.snapshot_of(name)), name)
    members, capacity = groups.members(name), settings.capacity
    changes = arm is not None and name in groups.changing
    return GuardedService(
        name=name,
        endpoints=_endpoints(members, settings),
        routes=settings.routes,
        health=settings.health,
        timeout_s=settings.timeout_seconds,
        strip_prefix=settings.strip_prefix,
        requests_max=None if capacity is None else capacity * max(1, len(members)),
        ask_again=settings.ask_again,
        canary=_canary(groups, name, read, arm) if arm is not None and changes else None,
    )


def _canary(
    groups: ServiceGroups, name: str, read: Callable[[str], Snapshot], arm: ServiceArm
) -> ServiceCanary:
    settings = service_settings(read(arm.snapshot), name)
    candidates = groups.candidates_of(name)
    endpoints = _nobody(name, settings) if arm.placeholders else _endpoints(candidates, settings)
    return ServiceCanary(
        snapshot=arm.snapshot,
        endpoints=endpoints,
        share=arm.share,
        lease=arm.lease,
        timeout_s=settings.timeout_seconds,
        ask_again=settings.ask_again,
    )


def _endpoints(replicas: Sequence[Replica], settings: ServiceSettings) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(
            each.name,
            each.host,
            each.port,
            each.health_port,
            weight=settings.weight(each.seat),
            seat=each.seat,
        )
        for each in replicas
    )


def _nobody(name: str, settings: ServiceSettings) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(f"{name}-candidate-{n}", "127.0.0.1", n + 1, n + 1, seat=n)
        for n in range(settings.seats)
    )
