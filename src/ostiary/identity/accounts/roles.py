"""Roles: short names that applications find in tokens."""

import re
from collections.abc import Iterable

from ostiary.kernel.errors import OstiaryError

ROLES_MAX = 32
"""Most roles an account may have: they travel in every access token."""

_ROLE = re.compile(r"[a-z0-9_:-]{1,64}")


class InvalidRolesError(OstiaryError):
    """A list of roles that an account cannot have."""

    def __init__(self, message: str) -> None:
        super().__init__(
            "invalid_request",
            message,
            hint=f"Use up to {ROLES_MAX} roles of a-z, 0-9, `_`, `:` and `-`.",
        )


def parse_roles(names: Iterable[str]) -> tuple[str, ...]:
    """Return the roles, each once and sorted. Raises `InvalidRolesError` for a bad name."""
    roles = sorted(set(names))
    if len(roles) > ROLES_MAX:
        raise InvalidRolesError(f"{len(roles)} roles are too many.")
    for role in roles:
        if not _ROLE.fullmatch(role):
            raise InvalidRolesError("A role has a name that is not allowed.")
    return tuple(roles)
