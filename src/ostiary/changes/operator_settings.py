"""The settings of one operator: `[guard.operators.NAME]`."""

import re
from typing import Literal, get_args

from pydantic import Field

from ostiary.changes.setting_fields import unit
from ostiary.kernel.settings import SettingsTable

Role = Literal["viewer", "proposer", "approver", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Every role, each of which may do what those before it may."""

OPERATOR_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
OPERATOR_NAME_WORDS = "up to 32 of `a` to `z`, digits, `_`, `-` and `.`, a letter or digit first"

UID_MAX = 2**32 - 2


def reaches(role: Role, least: Role) -> bool:
    """Return whether `role` may do what `least` may."""
    return ROLES.index(role) >= ROLES.index(least)


class OperatorSettings(SettingsTable):
    """What one operator may do, and what the guard knows this operator by."""

    role: Role = Field(
        description="What the operator may do; each role may also do what those before it may."
    )
    uid: int | None = Field(
        None,
        description="User id on this machine, as the kernel tells it of the caller.",
        ge=0,
        le=UID_MAX,
        json_schema_extra=unit("uid"),
    )
    token_sha256: str | None = Field(
        None,
        description="SHA-256 of the operator's token, in hexadecimal; never the token itself.",
    )
