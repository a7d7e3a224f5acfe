"""What a flag is in the configuration of a replica.

The twin of the control plane's `changes.flag_settings`: both accept and refuse alike, which a
test compares. Here a message names what is wrong; there it also says what to write.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

FlagValue = bool | int | float | str
"""What a flag may hold."""

SIGN_UP_OPEN = "sign_up_open"
SIGN_UP_OFFERED = "sign_up_offered"
NEW_DEVICE_MAIL = "new_device_mail"
BUILT_IN = (SIGN_UP_OPEN, SIGN_UP_OFFERED, NEW_DEVICE_MAIL)
"""The flags that the login service itself reads; each is true unless it is set."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def _as_set(value: object) -> object:
    # A value that was looked at is no longer JSON to pydantic, which then wants a set of Python's.
    return frozenset(value) if isinstance(value, list) and _are_texts(value) else value


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _as_date(value: object) -> object:
    is_date = isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)
    return date.fromisoformat(str(value)) if is_date else value


Role = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_:-]{1,64}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,128}$")]


class FlagDefinition(BaseModel):
    """One flag: `default` for everybody, `variant` for those who are named or drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    default: FlagValue
    variant: FlagValue | None = None
    percent: Annotated[float, Field(ge=0, le=100)] = 0.0
    roles: Annotated[
        Annotated[frozenset[Role], Field(min_length=1)] | None, BeforeValidator(_as_set)
    ] = None
    clients: Annotated[
        Annotated[frozenset[ClientId], Field(min_length=1)] | None, BeforeValidator(_as_set)
    ] = None
    off: bool = False
    public: bool = False
    description: Annotated[str, Field(max_length=500)] = ""
    owner: Annotated[str, Field(max_length=200)] = ""
    remove_after: Annotated[date | None, BeforeValidator(_as_date)] = None

    @model_validator(mode="after")
    def _variant_fits(self) -> Self:
        if self.variant is None:
            if self.percent or self.roles or self.clients:
                raise ValueError("somebody is to get the variant, but there is none")
        elif type(self.variant) is not type(self.default):
            raise ValueError("default and variant are of different types")
        elif self.variant == self.default:
            raise ValueError("default and variant are the same")
        return self

    @property
    def is_targeted(self) -> bool:
        """Return whether somebody gets the variant for who they are."""
        return bool(self.roles or self.clients)


def _as_table(value: object) -> object:
    return value if isinstance(value, Mapping | FlagDefinition) else {"default": value}


def _can_be_carried(
    flags: dict[str, FlagDefinition],
) -> dict[str, FlagDefinition]:
    for name, flag in flags.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:100]!r} is no name for a flag")
        if name in BUILT_IN and not isinstance(flag.default, bool):
            raise ValueError(f"the flag {name} is true or false")
    return flags


FlagDefinitions = Annotated[
    dict[str, Annotated[FlagDefinition, BeforeValidator(_as_table)]],
    AfterValidator(_can_be_carried),
]
"""All flags of a snapshot by name."""
