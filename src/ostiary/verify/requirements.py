"""What a route needs of whoever calls it: pure, and the same in every framework."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.verify import answers
from ostiary.verify.answers import Answer
from ostiary.verify.errors import ConfigurationError
from ostiary.verify.principal import PRINCIPAL_KEY, Principal

_logger = logging.getLogger("ostiary.verify")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749, section 3.3; so a scope can stand in a header as it is."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """All of the scopes, and at least one of the roles where there are some."""

    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def judge(self, principal: Principal | None) -> Principal | Answer:
        """Return the principal that may go on, or the answer that is due."""
        if principal is None:
            return answers.no_token()
        if not principal.has_scopes(*self.scopes):
            return answers.lacks_scopes(self.scopes)
        if self.roles and not principal.has_role(*self.roles):
            return answers.lacks_role()
        return principal


def scopes(*names: object) -> Requirement:
    """Return the requirement of all these scopes. Raises `ConfigurationError`."""
    found = [name for name in names if isinstance(name, str) and _SCOPE.fullmatch(name)]
    if not names or len(found) < len(names):
        raise ConfigurationError(
            f"require_scope takes one or more scopes, each a text without spaces, not {names!r}."
        )
    return Requirement(scopes=frozenset(found))


def roles(*names: object) -> Requirement:
    """Return the requirement of one of these roles. Raises `ConfigurationError`."""
    found = [name for name in names if isinstance(name, str) and name]
    if not names or len(found) < len(names):
        raise ConfigurationError(f"require_role takes one or more names of roles, not {names!r}.")
    return Requirement(roles=frozenset(found))


def principal_in(place: Mapping[str, Any]) -> Principal | None:
    """Return whom the middleware has left in a scope or an environment, None for nobody.

    Where no middleware ran, it is nobody as well: a forgotten one locks everybody out of the
    guarded routes, which is noticed, instead of letting everybody in.
    """
    if PRINCIPAL_KEY not in place:
        _logger.error("A guarded route was called without the middleware of ostiary.verify.")
    found = place.get(PRINCIPAL_KEY)
    return found if isinstance(found, Principal) else None
