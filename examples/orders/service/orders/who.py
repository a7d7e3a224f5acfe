"""Who sends a request: the one module that knows how tokens are checked.

It asks the issuer about every token, by userinfo (OpenID Connect Core, 5.3). That is simple, and
ties every request to the issuer; an application that must go on without it checks tokens itself.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass

_SECONDS_MAX = 5.0
_BYTES_MAX = 64 * 1024


class RefusedError(Exception):
    """The request shows no token that the issuer would vouch for."""


class IssuerAwayError(Exception):
    """Nobody can say at the moment whose the token is."""


@dataclass(frozen=True)
class Person:
    """Whom a token stands for: the subject, which never changes, and the roles."""

    subject: str
    roles: frozenset[str]


class Tokens:
    """Asks the issuer at `address`, such as `http://127.0.0.1:8000`."""

    def __init__(self, address: str) -> None:
        """Go there directly, whatever proxies the environment names."""
        self._address = f"{address}/oauth2/userinfo"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def holder(self, authorization: str | None) -> Person:
        """Return who sent a request; raises `RefusedError` or `IssuerAwayError`."""
        if not authorization or not authorization.lower().startswith("bearer "):
            raise RefusedError
        headers = {"authorization": authorization, "accept": "application/json"}
        # The address is what Ostiary tells, never a client's word.
        request = urllib.request.Request(self._address, headers=headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=_SECONDS_MAX) as answer:
                return _person(json.loads(answer.read(_BYTES_MAX)))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (400, 401, 403):
                raise RefusedError from None
            raise IssuerAwayError from None
        except (OSError, ValueError, LookupError, TypeError):
            raise IssuerAwayError from None


def _person(claims: dict[str, object]) -> Person:
    roles = claims.get("roles")
    known = roles if isinstance(roles, list) else []
    return Person(str(claims["sub"]), frozenset(map(str, known)))
