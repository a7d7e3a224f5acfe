"""What the edge is to do, as typed values that cannot be built wrong."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from ostiary.edge.balancing import Balancer
from ostiary.edge.endpoints import SEATS_MAX, Endpoint, Lease, check_unique
from ostiary.edge.entrance import Entrance
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.route_classes import SERVICES_MAX
from ostiary.edge.service_model import GuardedService, is_below
from ostiary.edge.wellformed import (
    NAME,
    TOKEN,
    URL,
    VERSION,
    check_host,
    check_port,
    check_share,
    check_text,
    refused,
)

__all__ = ["SEATS_MAX", "CanaryArm", "EdgeModel", "EdgePlace", "Endpoint", "Lease"]

PER_TRY_TIMEOUT_S = 2.0
"""Default seconds that one attempt may take; longer than the longest queue for a password hash."""

ROUTE_TIMEOUT_S = 4.5
"""Default seconds for all attempts together; more than two attempts, so that a hanging canary
still leaves the last good version its full time."""

YEAR_S = 31_536_000
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class CanaryArm:
    """The new version and its share of first attempts, 0 to 1.

    0 lets only pinned journeys reach it; from 0.5 on the control arm is all that is left for the
    last good version; at 1 everything goes to the canary first and there is no control arm.
    Refusals that are `intended` are not asked again of the last good version.

    `same_replicas` says that the new snapshot changes the edge only: the endpoints are the last
    good replicas, spread in the new way. `per_try_timeout_s` is the model's where it is None.
    """

    snapshot: str
    endpoints: tuple[Endpoint, ...]
    share: float
    lease: Lease
    intended: tuple[IntendedRefusal, ...] = ()
    balancer: Balancer = Balancer.ROUND_ROBIN
    same_replicas: bool = False
    per_try_timeout_s: float | None = None

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.snapshot, NAME, "canary snapshot")
        check_share(self.share)
        if not self.endpoints:
            raise refused("The canary has no endpoint.", "Start a replica of it first.")
        check_unique(self.endpoints)

    @property
    def balancer_in_arm(self) -> Balancer:
        """How requests are spread over the canary's endpoints while it is one.

        Envoy's hashes take no heed of the priority that a second opinion asks for, and would ask
        the canary again. They begin with the promotion; nobody stays at one replica before that
        anyway, because arms are drawn for each request.
        """
        second_opinions = not self.same_replicas
        return Balancer.ROUND_ROBIN if self.balancer.hashes and second_opinions else self.balancer


@dataclass(frozen=True, slots=True)
class EdgeModel:
    """Everything that the edge does at one time. `version` names it in confirmations and logs.

    `popups` lets applications open sign-in in a window of theirs; `hsts_s` is how long browsers
    remember to come by https, where users do. `services` are those beside identity.
    """

    version: str
    last_good: str
    stable: tuple[Endpoint, ...]
    canary: CanaryArm | None
    status_url: str
    per_try_timeout_s: float = PER_TRY_TIMEOUT_S
    route_timeout_s: float = ROUTE_TIMEOUT_S
    balancer: Balancer = Balancer.ROUND_ROBIN
    popups: bool = False
    hsts_s: int = YEAR_S
    services: tuple[GuardedService, ...] = ()

    def __post_init__(self) -> None:
        """Raise `RefusedError` where the parts do not fit together."""
        check_text(self.version, VERSION, "version of the edge model")
        check_text(self.last_good, NAME, "last good snapshot")
        if not self.stable:
            raise refused(
                "No replica of the last good version is given.", "Name at least one endpoint."
            )
        others = self.canary if self.canary is not None and not self.canary.same_replicas else None
        check_unique((*self.stable, *(() if others is None else others.endpoints)))
        if others is not None and others.snapshot == self.last_good:
            raise refused(
                f"Canary and last good are the same snapshot, {self.last_good}.",
                "A second opinion needs two versions.",
            )
        if self.status_url and not URL.fullmatch(self.status_url):
            raise refused(
                "The address of the status page is no http or https URL.",
                "Write one such as https://status.example.org, or leave it empty.",
            )
        self._check_timeouts()
        self._check_services()

    @property
    def canary_per_try_timeout_s(self) -> float:
        """Seconds that one attempt may take in the canary's arm."""
        own = None if self.canary is None else self.canary.per_try_timeout_s
        return self.per_try_timeout_s if own is None else own

    @property
    def canary_route_timeout_s(self) -> float:
        """Seconds for all attempts of the canary's arm, in the same proportion as elsewhere."""
        return self.route_timeout_s * self.canary_per_try_timeout_s / self.per_try_timeout_s

    @property
    def longest_route_timeout_s(self) -> float:
        """Seconds that a request of any arm, or of any service, may take."""
        services = (service.longest_timeout_s for service in self.services)
        return max(self.route_timeout_s, self.canary_route_timeout_s, *services)

    @property
    def without_canaries(self) -> "EdgeModel":
        """The same with the last good versions only, which is what a rollback returns to."""
        services = tuple(replace(service, canary=None) for service in self.services)
        return replace(self, canary=None, services=services)

    def _check_services(self) -> None:
        names = [service.name for service in self.services]
        if len(names) > SERVICES_MAX or len(set(names)) < len(names):
            raise refused(
                f"The services are {', '.join(names)[:200]}.",
                f"Name each once, and at most {SERVICES_MAX}.",
            )
        routes = [route for service in self.services for route in service.routes]
        for route in routes:
            if any(route != other and is_below(other, route) for other in routes):
                raise refused(f"A route lies below {route}.", "Give each path to one service.")
        if len(set(routes)) < len(routes):
            raise refused("Two services have the same route.", "Give each path to one service.")
        in_canary = [each.name for each in self.services if each.canary is not None]
        if in_canary and self.canary is not None:
            raise refused(
                f"Identity and the service {in_canary[0]} are both in canary.",
                "Let one go through its stages after the other.",
            )

    def _check_timeouts(self) -> None:
        shortest = min(self.per_try_timeout_s, self.canary_per_try_timeout_s)
        if shortest <= 0:
            raise refused(f"The time-out of one attempt is {shortest} s.", "Write seconds above 0.")
        if self.route_timeout_s <= 2 * self.per_try_timeout_s:
            raise refused(
                f"The time-out of a request, {self.route_timeout_s} s, leaves no room for a second "
                f"opinion after an attempt of {self.per_try_timeout_s} s.",
                "Write more than twice the time-out of one attempt.",
            )


@dataclass(frozen=True, slots=True)
class EdgePlace:
    """Where the edge runs: its directory, its address, its binary, and the secret of the edge.

    `entrance` is what clients meet at the address. Replicas take a request with the secret in
    `x-ostiary-edge` as coming from the edge.
    """

    directory: Path
    listen_host: str
    listen_port: int
    edge_token: str = field(repr=False)
    envoy_path: Path
    entrance: Entrance = field(default_factory=Entrance)

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant; the token is never shown."""
        check_host(self.listen_host, "the edge")
        check_port(self.listen_port, "the edge")
        if len(self.edge_token) < _SHORTEST_TOKEN or not TOKEN.fullmatch(self.edge_token):
            raise refused(
                "The edge token is too short, or holds a character that a header cannot carry.",
                f"Use at least {_SHORTEST_TOKEN} URL-safe characters.",
            )
