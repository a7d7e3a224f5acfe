"""A service beside identity as the edge is to see it, which cannot be built wrong."""

import math
import re
from dataclasses import dataclass

from ostiary.edge.endpoints import Endpoint, Lease, check_unique
from ostiary.edge.route_classes import IDENTITYS, SERVICE_ROUTES_MAX
from ostiary.edge.wellformed import NAME as SNAPSHOT
from ostiary.edge.wellformed import check_share, check_text, refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ROUTE = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HEALTH = re.compile(r"/[A-Za-z0-9._~/-]*")
SERVICE_CANARY_PREFIX = "canary_"
"""Beginning of the names of services' canary clusters."""

_PAUSE_S = 0.25
"""Seconds above those of two attempts that a request may take: the pause between them."""


@dataclass(frozen=True, slots=True)
class ServiceCanary:
    """The new version of one service and its share of the service's first attempts, 0 to 1.

    0 lets only pinned journeys reach it; at 1 everything goes to the canary first. The last good
    version behind it is the service's own. `requests_max`, `timeout_s` and `ask_again` are what
    the new settings say, as in `GuardedService`. Its health is the guard's answer for the lease.
    """

    snapshot: str
    endpoints: tuple[Endpoint, ...]
    share: float
    lease: Lease
    timeout_s: float
    ask_again: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.snapshot, SNAPSHOT, "canary snapshot of a service")
        check_share(self.share)
        if not self.endpoints:
            raise refused("The canary of a service has no endpoint.", "Start a replica first.")
        check_unique(self.endpoints)
        _check_timeout("a canary", self.timeout_s)


@dataclass(frozen=True, slots=True)
class GuardedService:
    """One service: its replicas, the paths that are its own, and how it is asked.

    `requests_max` is how many requests one Envoy gives all its replicas at the same time; None is
    no limit. Without endpoints, while none of its replicas has got ready, the edge answers 503.
    Requests below the paths in `ask_again` may be asked twice without harm, whatever their method.
    While a change of the service is in canary or bake, `canary` is its new version; only what both
    versions name in `ask_again` is then asked of both.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    routes: tuple[str, ...]
    health: str
    timeout_s: float
    strip_prefix: bool = False
    requests_max: int | None = None
    ask_again: tuple[str, ...] = ()
    canary: ServiceCanary | None = None

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.name, NAME, "name of the service")
        others = () if self.canary is None else self.canary.endpoints
        check_unique((*self.endpoints, *others))
        self._check_routes()
        if not _HEALTH.fullmatch(self.health):
            raise refused(
                f"The health path of {self.name} is {self.health[:80]!r}.",
                "Write a path such as /health.",
            )
        _check_timeout(self.name, self.timeout_s)
        if self.requests_max is not None and self.requests_max < 1:
            raise refused(
                f"The requests at a time of {self.name} are {self.requests_max}.",
                "Write at least 1, or none.",
            )

    @property
    def cluster(self) -> str:
        """The name of the cluster of its last good version."""
        return f"service_{self.name}"

    @property
    def canary_cluster(self) -> str:
        """The name of the cluster of its canary, and of last good behind it."""
        return f"{SERVICE_CANARY_PREFIX}{self.name}"

    @property
    def pinned_cluster(self) -> str:
        """The name of the cluster of its canary alone."""
        return f"pinned_{self.name}"

    @property
    def longest_timeout_s(self) -> float:
        """Seconds that a request of any arm may take; in canary there may be two attempts.

        Without a canary it is the same: the listener has this limit, and one that came and went
        with each canary would take the connections and the counters of the listener with it.
        """
        first = self.timeout_s if self.canary is None else self.canary.timeout_s
        return self.two_attempts_s(max(first, self.timeout_s))

    def two_attempts_s(self, first_s: float) -> float:
        """Return the seconds for an attempt of `first_s`, and one of last good after it."""
        return first_s + _PAUSE_S + self.timeout_s

    def safe_paths(self, route: str) -> tuple[str, ...]:
        """Return the paths below a route where every request may be asked again.

        While there is a canary, both versions have to say so: each may be the second one asked.
        """
        theirs = self.ask_again if self.canary is None else self.canary.ask_again
        both = [
            path
            for own, others in ((self.ask_again, theirs), (theirs, self.ask_again))
            for path in own
            if any(is_below(path, other) for other in others)
        ]
        return tuple(path for path in dict.fromkeys(both) if is_below(path, route))

    def _check_routes(self) -> None:
        if not 1 <= len(self.routes) <= SERVICE_ROUTES_MAX:
            raise refused(
                f"The service {self.name} has {len(self.routes)} routes.",
                f"Write 1 to {SERVICE_ROUTES_MAX}.",
            )
        for route in self.routes:
            if not _ROUTE.fullmatch(route) or route.split("/")[1].lower() in IDENTITYS:
                raise refused(
                    f"The service {self.name} cannot have the route {route[:80]!r}.",
                    "Write a path such as /orders that is not the login service's.",
                )
        theirs = () if self.canary is None else self.canary.ask_again
        for path in (*self.ask_again, *theirs):
            if not _ROUTE.fullmatch(path) or not any(is_below(path, each) for each in self.routes):
                raise refused(
                    f"The service {self.name} cannot have {path[:80]!r} asked again.",
                    f"Write paths below {', '.join(self.routes)[:200]}.",
                )


def is_below(path: str, route: str) -> bool:
    """Return whether a path is a route, or lies below it."""
    return f"{path}/".startswith(f"{route}/")


def _check_timeout(whose: str, timeout_s: float) -> None:
    if not 0 < timeout_s < math.inf:
        raise refused(f"The time-out of {whose} is {timeout_s} s.", "Write seconds above 0.")
