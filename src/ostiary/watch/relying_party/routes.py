"""Which route class of the edge a request belongs to; evidence and journeys are counted by them."""

from ostiary.edge.route_classes import ROUTE_CLASSES, RouteClass


def stratum_of(method: str, path: str) -> str:
    """Return the route class of a request, by the edge's own list and in its order."""
    for each in ROUTE_CLASSES:
        if _matches(each, method, path):
            return each.name
    raise AssertionError("the last route class takes every path that begins with a slash")


def _matches(each: RouteClass, method: str, path: str) -> bool:
    if each.method and each.method != method:
        return False
    return path == each.path if each.path else path.startswith(each.prefix)
