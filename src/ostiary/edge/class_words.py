"""What the classes of requests are called where people read of them, such as in a reason.

Names of classes are for programs: counters, settings and the numbers of a reason have them. A name
that is nobody's here, such as one of somebody's own counters, is told as it is.
"""

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from ostiary.edge.route_classes import SERVICE_PREFIX, service_class
from ostiary.kernel.request_kinds import Kind, class_of

_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sign_in": "sign-in",
        "sign_up": "sign-up",
        "sign_out": "sign-out",
        "authorize": "authorization",
        "token": "token",
        "userinfo": "user info",
        "introspect": "introspection",
        "end_session": "end of session",
        "flags": "flags",
        "discovery": "discovery",
        "page": "pages",
        "other": "other requests",
    }
)
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Kind.AUTHORIZATION_CODE: "authorization code",
        Kind.REFRESH_TOKEN: "refresh",
        Kind.CLIENT_CREDENTIALS: "client credentials",
        Kind.PASSWORD: "password",
    }
)
_OF_SERVICE: Final = re.compile(
    rf"{SERVICE_PREFIX}(?P<service>.+)_(?P<route>\d+)_(?P<safety>safe|unsafe)"
)
_SAFETY: Final = {"safe": "may be asked twice", "unsafe": "asked once only"}


def class_in_words(stratum: str, among: Collection[str] = ()) -> str:
    """Return what people call a class of requests or a kind, such as `token (refresh)`.

    A route of another service has its number where there are further ones `among` all classes.
    """
    if (match := _OF_SERVICE.fullmatch(stratum)) is not None:
        return _of_service(match, among)
    name = class_of(stratum)
    kind = stratum.removeprefix(name).removeprefix(".")
    words = _CLASSES.get(name, name)
    return f"{words} ({_KINDS.get(kind, kind)})" if kind else words


def _of_service(match: re.Match[str], among: Collection[str]) -> str:
    service, route = match["service"], match["route"]
    several = route != "1" or service_class(service, 2, safe=True) in among
    which = f" route {route}" if several else ""
    return f"{service}{which} ({_SAFETY[match['safety']]})"
