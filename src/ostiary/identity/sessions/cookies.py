"""Cookies: set, read and taken away in one place.

On https the names carry `__Host-`, by which browsers promise that no other host and no plain-http
page has set them (RFC 6265bis, section 4.1.3.2). On http, where browsers refuse that prefix, they
stand without it.
"""

from dataclasses import dataclass

import falcon

from ostiary.identity.http.context import context_of

_VALUE_LENGTH_MAX = 256


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie of this host: not readable by scripts, sent on same-site requests and links."""

    name: str

    def read(self, request: falcon.Request) -> str | None:
        """Return the cookie's value; None when it is absent, ambiguous or too long."""
        values = request.get_cookie_values(self._full_name(request)) or []
        # Two cookies of one name mean that another path or domain planted one of them.
        if len(values) != 1 or not 0 < len(values[0]) <= _VALUE_LENGTH_MAX:
            return None
        return values[0]

    def set_(
        self,
        request: falcon.Request,
        response: falcon.Response,
        value: str,
        *,
        seconds: int | None = None,
    ) -> None:
        """Set the cookie for so many seconds, or until the browser closes."""
        response.set_cookie(
            self._full_name(request),
            value,
            max_age=seconds,
            path="/",
            secure=context_of(request).secure,
            http_only=True,
            same_site="Lax",
        )

    def clear(self, request: falcon.Request, response: falcon.Response) -> None:
        """Make the browser forget the cookie."""
        self.set_(request, response, "", seconds=0)

    def _full_name(self, request: falcon.Request) -> str:
        return f"__Host-{self.name}" if context_of(request).secure else self.name


SESSION_COOKIE = Cookie("ostiary_session")
"""Carries the secret of a session."""

BROWSER_COOKIE = Cookie("ostiary_browser")
"""Names a browser before anybody signs in; forms are bound to it."""

DEVICE_COOKIE = Cookie("ostiary_device")
"""Shows that this browser has signed in before; signs nobody in."""
