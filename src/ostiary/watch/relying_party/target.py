"""Where requests really go, as against the public address that the service calls itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from ostiary.watch.relying_party.as_edge import AsEdge, AsProxy
from ostiary.watch.relying_party.routes import ServiceRoutes, stratum_of

_UNPLAIN = re.compile(r"/\.|[;\\]")
"""Segments that are relative to others, and characters that parsers disagree about."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address that answers for an issuer: a replica's own port, or the edge.

    `snapshot` is what every answer's outcome header must name; None where no header is expected,
    that is behind the edge, which removes it. `pin` is the secret that leads to the canary.
    `as_edge` is for a replica that is asked as the edge would ask it, or as another proxy would.
    `routes` are those of a service other than identity: what is asked below them counts there.
    """

    name: str
    base_url: str
    issuer: str
    snapshot: str | None = None
    pin: str | None = field(default=None, repr=False)
    as_edge: AsEdge | AsProxy | None = None
    routes: ServiceRoutes | None = None

    def stratum_of(self, method: str, path: str, form: Mapping[str, str] | None = None) -> str:
        """Return the stratum in which a request to this target counts."""
        of_service = self.routes.class_of(method, path) if self.routes is not None else None
        return of_service or stratum_of(method, path, form)

    @property
    def host(self) -> str:
        """Return the public host and port, which a browser would send as `Host`."""
        return self.origin.partition("://")[2]

    @property
    def origin(self) -> str:
        """Return the public origin, which a browser would send with a form (RFC 6454)."""
        return _issuer_origin(self.issuer)

    def owns(self, location: str, *, current: str = "/") -> bool:
        """Return whether a location, seen at the public address, stays with the issuer."""
        try:
            public = self.public(location, current=current)
        except ValueError:
            return False
        return public.startswith(f"{self.origin}/") or origin_of(public) == self.origin

    def public(self, location: str, *, current: str = "/") -> str:
        """Return the public URL of a location that may be relative to `current`.

        Raises `ValueError` for what is no URL at all.
        """
        # The two usual forms need no joining; this runs several times for every request.
        if location.startswith("/") and _is_plain(location):
            return self.origin + location
        if location.startswith(f"{self.origin}/") and _is_plain(location[len(self.origin) :]):
            return location
        return urljoin(urljoin(self.origin, current), location)

    def address(self, location: str) -> str:
        """Return where to send a request for a location of the issuer.

        Raises `ValueError` for a location of somebody else: a journey never follows one.
        """
        if not self.owns(location):
            raise ValueError(f"{origin_of(location)} is not the issuer's origin {self.origin}")
        parts = urlsplit(self.public(location))
        query = f"?{parts.query}" if parts.query else ""
        return f"{self.base_url.rstrip('/')}{parts.path or '/'}{query}"


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL in lower case; `null` where it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "null"
    if not parts.scheme or not parts.netloc:
        return "null"
    return f"{parts.scheme}://{parts.netloc}".lower()


@lru_cache(maxsize=64)
def _issuer_origin(issuer: str) -> str:
    """Return the origin of an issuer; there are few of them, and each is asked for often."""
    return origin_of(issuer)


def _is_plain(location: str) -> bool:
    """Return whether a location that begins with a slash stands for itself: nothing to resolve."""
    path = location.partition("?")[0]
    return (
        location.isascii()
        and location.isprintable()
        and not location.startswith("//")
        and not _UNPLAIN.search(path)
        and "#" not in location
        and not location.endswith("?")
    )
