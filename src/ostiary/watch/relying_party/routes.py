"""Which stratum a request belongs to: evidence and journeys are counted by the same names."""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.edge.route_classes import ROUTE_CLASSES, RouteClass, service_class
from ostiary.edge.service_model import is_below
from ostiary.kernel.request_kinds import Kind, kind_of_grant, stratum_name

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1): the edge asks them again."""


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """The paths of another service than identity, in the order of its settings.

    Requests below `asked_again` may be asked twice without harm, whatever their method.
    """

    service: str
    routes: tuple[str, ...]
    asked_again: tuple[str, ...] = ()

    def class_of(self, method: str, path: str) -> str | None:
        """Return the class of a request; None for one that is not the service's."""
        for number, route in enumerate(self.routes, start=1):
            if is_below(path, route):
                again = any(is_below(path, each) for each in self.asked_again)
                return service_class(self.service, number, safe=again or method in SAFE_METHODS)
        return None


def stratum_of(method: str, path: str, form: Mapping[str, str] | None = None) -> str:
    """Return the stratum of a request: its kind where its class has kinds, else its class."""
    route_class = class_of_request(method, path)
    kind = _kind_of(route_class, form or {})
    return route_class if kind is None else stratum_name(route_class, kind)


def class_of_request(method: str, path: str) -> str:
    """Return the route class of a request, by the edge's own list and in its order."""
    for each in ROUTE_CLASSES:
        if _matches(each, method, path):
            return each.name
    raise AssertionError("the last route class takes every path that begins with a slash")


def _kind_of(route_class: str, form: Mapping[str, str]) -> Kind | None:
    if route_class == "sign_in":
        return Kind.PASSWORD
    return kind_of_grant(form.get("grant_type", "")) if route_class == "token" else None


def _matches(each: RouteClass, method: str, path: str) -> bool:
    if each.method and each.method != method:
        return False
    return path == each.path if each.path else path.startswith(each.prefix)
