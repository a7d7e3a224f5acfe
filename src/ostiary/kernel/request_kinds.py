"""Which kinds of requests one route class holds: the closed list that evidence is split by.

A route says too little where the body decides what is done: a release that is broken for one grant
alone is one request in a hundred of the token endpoint. Identity therefore names the kind of a
request in a header of its own (`x-auth-kind: <kind>`), and the edge counts by it. What is not in
the list, or named on another route class, has no kind and counts in its class alone.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

KIND_HEADER = "x-auth-kind"
"""Response header with the kind of the request; removed at the edge before users see it."""


class Kind(StrEnum):
    """What a request asks for, where its route does not say it."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a grant, not a secret
    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - a way to sign in, not a secret


KINDS: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "token": (Kind.AUTHORIZATION_CODE, Kind.REFRESH_TOKEN, Kind.CLIENT_CREDENTIALS),
        "sign_in": (Kind.PASSWORD,),
    }
)
"""The kinds of each route class: grants of the token endpoint, ways to sign in."""


def kind_of_grant(grant_type: str) -> Kind | None:
    """Return the kind of a token request; None for a grant that is not in the list."""
    return next((each for each in KINDS["token"] if each.value == grant_type), None)


def stratum_name(route_class: str, kind: str) -> str:
    """Return the name of the stratum of one kind, such as `token.client_credentials`."""
    return f"{route_class}.{kind}"


def class_of(stratum: str) -> str:
    """Return the route class that a stratum is, or is a part of."""
    return stratum.partition(".")[0]


def is_part(stratum: str) -> bool:
    """Return whether a stratum is a part of a class, whose requests the class counts as well."""
    return "." in stratum
