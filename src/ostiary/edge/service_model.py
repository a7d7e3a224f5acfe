"""A service beside identity as the edge is to see it, which cannot be built wrong."""

import re
from dataclasses import dataclass

from ostiary.edge.endpoints import Endpoint, check_unique
from ostiary.edge.route_classes import IDENTITYS, SERVICE_ROUTES_MAX
from ostiary.edge.wellformed import check_text, refused

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ROUTE = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HEALTH = re.compile(r"/[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class GuardedService:
    """One service: its replicas, the paths that are its own, and how it is asked.

    `requests_max` is how many requests one Envoy gives all its replicas at the same time; None is
    no limit. Without endpoints, while none of its replicas has got ready, the edge answers 503.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    routes: tuple[str, ...]
    health: str
    timeout_s: float
    strip_prefix: bool = False
    requests_max: int | None = None

    def __post_init__(self) -> None:
        """Raise `RefusedError` where a part cannot be meant."""
        check_text(self.name, NAME, "name of the service")
        check_unique(self.endpoints)
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
        if not _HEALTH.fullmatch(self.health):
            raise refused(
                f"The health path of {self.name} is {self.health[:80]!r}.",
                "Write a path such as /health.",
            )
        if self.timeout_s <= 0:
            raise refused(f"The time-out of {self.name} is {self.timeout_s} s.", "Write seconds.")

    @property
    def cluster(self) -> str:
        """The name of its cluster."""
        return f"service_{self.name}"
