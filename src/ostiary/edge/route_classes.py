"""The classes of requests (strata) and the arms that the edge tells apart.

Route names are `<class>.<arm>`; the counters are read back by the same names.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.kernel.request_kinds import KINDS, stratum_name


class Arm(StrEnum):
    """By whom a request was first answered, and for what purpose."""

    CANARY = "canary"
    CONTROL = "control"
    STABLE = "stable"
    PINNED = "pinned"


class Served(StrEnum):
    """Which version's replica one attempt went to; written on the endpoints as metadata."""

    CANARY = "canary"
    LAST_GOOD = "last_good"


@dataclass(frozen=True, slots=True)
class RouteClass:
    """One kind of request: its name, an exact path or a prefix, and a method where one is meant."""

    name: str
    path: str = ""
    prefix: str = ""
    method: str = ""


ROUTE_CLASSES = (
    RouteClass("sign_in", path="/sign-in", method="POST"),
    RouteClass("sign_up", path="/sign-up", method="POST"),
    RouteClass("sign_out", path="/sign-out", method="POST"),
    RouteClass("authorize", path="/oauth2/authorize"),
    RouteClass("token", path="/oauth2/token"),
    RouteClass("userinfo", path="/oauth2/userinfo"),
    RouteClass("introspect", path="/oauth2/introspect"),
    RouteClass("end_session", path="/oauth2/end-session"),
    RouteClass("flags", prefix="/ofrep/"),
    RouteClass("discovery", path="/oauth2/jwks"),
    RouteClass("discovery", prefix="/.well-known/"),
    RouteClass("page", prefix="/"),
)
"""In the order in which they are matched; the last one takes what is left."""

CLASS_NAMES = tuple(dict.fromkeys(each.name for each in ROUTE_CLASSES))

STRATA = (
    *CLASS_NAMES,
    *(stratum_name(name, kind) for name, kinds in KINDS.items() for kind in kinds),
)
"""What is compared on its own: every class, and beside it the kinds of requests in some."""

HIDDEN_PREFIXES = ("/admin", "/metrics", "/live", "/ready", "/lease")
"""Paths that replicas or the guard serve for Ostiary itself; the edge answers 404."""

IDENTITYS = (
    *(prefix.removeprefix("/") for prefix in HIDDEN_PREFIXES),
    ".well-known",
    "demo",
    "favicon.ico",
    "oauth2",
    "ofrep",
    "sign-in",
    "sign-out",
    "sign-up",
    # Not served yet, and too likely names of what the login service will serve.
    "account",
    "assets",
    "console",
    "device",
    "status",
)
"""First parts of paths that are identity's or the guard's; no other service can have them."""

HIDDEN_ROUTE = "hidden"
"""Name of the routes that answer 404 at the edge."""


SERVICE_PREFIX = "service_"
"""Beginning of the classes of routes that are other services'; no class of identity's has it."""

_SAFE = "_safe"
_UNSAFE = "_unsafe"

SERVICES_MAX = 16
SERVICE_ROUTES_MAX = 16


def service_class(service: str, number: int, *, safe: bool) -> str:
    """Return the name of one class of a service's route, counted from 1.

    `safe` requests may be asked twice without harm, by their method or because the settings say
    so. Only these get second opinions, so they are compared apart from the others.
    """
    return f"{SERVICE_PREFIX}{service}_{number}{_SAFE if safe else _UNSAFE}"


def service_strata(service: str, routes: int) -> tuple[str, ...]:
    """Return the classes of a service with so many routes: what is compared in its changes."""
    return tuple(
        service_class(service, number, safe=safe)
        for number in range(1, routes + 1)
        for safe in (True, False)
    )


def keeps_control(class_name: str) -> bool:
    """Return whether a class of routes has a control arm whatever the share of the canary."""
    return is_service_class(class_name) and class_name.endswith(_UNSAFE)


def is_service_class(class_name: str) -> bool:
    """Return whether a class of routes is another service's than identity's."""
    return class_name.startswith(SERVICE_PREFIX)


def route_name(class_name: str, arm: Arm) -> str:
    """Return the name of one class's route in one arm."""
    return f"{class_name}.{arm.value}"
