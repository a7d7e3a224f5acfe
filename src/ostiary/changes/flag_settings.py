"""One flag of `[flags]`: a plain value, or a table that says who gets another one.

Identity reads the same tables from a snapshot; `identity.flags.definition` accepts and refuses
alike, and a test compares the two.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ostiary.changes.setting_fields import as_tuple, unit
from ostiary.kernel.settings import SettingsTable

Scalar = bool | int | float | str
"""What a flag may hold."""

_ROLE = re.compile(r"[a-z0-9_:-]{1,64}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_WORDS_BY_TYPE = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
    str: "text",
}

Names = Annotated[tuple[str, ...] | None, Field(strict=False), BeforeValidator(as_tuple)]


def _wrong(text: str) -> PydanticCustomError:
    # Braces would be taken for the placeholders of a template.
    return PydanticCustomError("value_error", "{text}", {"text": text})


def _as_date(value: object, info: ValidationInfo) -> object:
    """Take TOML's own dates only; in a snapshot, which is JSON, a date is text."""
    if value is None or type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        if info.mode == "json":
            return date.fromisoformat(value)
        raise _wrong(f"a date stands without quotes; write {value}")
    raise _wrong("this is no date without a time; write for example 2027-01-31")


class FlagSettings(SettingsTable):
    """A flag: `default` for everybody, `variant` for those who are named or drawn."""

    default: Scalar = Field(description="Value for everybody who is neither named nor drawn.")
    variant: Scalar | None = Field(None, description="The other value, of the same type.")
    percent: float = Field(
        0.0,
        description="Share of users who get the variant; raising it only adds users.",
        ge=0,
        le=100,
        json_schema_extra=unit("percent"),
    )
    roles: Names = Field(None, description="Roles whose holders get the variant, in any case.")
    clients: Names = Field(
        None, description="Clients (by `client_id`) whose users get the variant, in any case."
    )
    off: bool = Field(False, description="Kill switch: the default for everybody.")
    public: bool = Field(False, description="Whether applications may ask for the flag.")
    description: str = Field("", description="What the flag is for.", max_length=500)
    owner: str = Field("", description="Who decides about it.", max_length=200)
    remove_after: Annotated[date | None, BeforeValidator(_as_date)] = Field(
        None, description="Date after which the flag should be gone from settings and code."
    )

    @field_validator("roles")
    @classmethod
    def _roles_can_be(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _checked(names, _ROLE, "a role", "a-z, 0-9, `_`, `:` and `-`")

    @field_validator("clients")
    @classmethod
    def _clients_can_be(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _checked(names, _CLIENT_ID, "a client", "A-Z, a-z, 0-9, `.`, `_`, `~` and `-`")

    @model_validator(mode="after")
    def _variant_fits(self) -> Self:
        if self.variant is None:
            if self.percent or self.roles or self.clients:
                raise _wrong("somebody is to get the variant, but there is none; add `variant`")
        elif type(self.variant) is not type(self.default):
            raise _wrong(
                f"`default` is {_WORDS_BY_TYPE[type(self.default)]}, but `variant` is "
                f"{_WORDS_BY_TYPE[type(self.variant)]}; write both as the same type"
            )
        elif self.variant == self.default:
            raise _wrong("`variant` is the same as `default`; write another value")
        return self

    @model_serializer(mode="wrap")
    def _as_short_as_it_was(self, handler: SerializerFunctionWrapHandler) -> Any:  # noqa: ANN401
        """Write a flag that is nothing but a value as that value.

        So did releases that knew no tables, and their snapshots keep their ids.
        """
        written = handler(self)
        plain = self == FlagSettings.model_construct(default=self.default)
        return self.default if plain else written


def _checked(
    names: tuple[str, ...] | None, pattern: re.Pattern[str], what: str, allowed: str
) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not names:
        raise _wrong(f"it is empty, which names nobody; name {what}, or remove the line")
    for name in names:
        if not pattern.fullmatch(name):
            raise _wrong(f"`{name[:80]}` is not the name of {what}; use {allowed}")
    return tuple(dict.fromkeys(names))


def _as_table(value: object) -> object:
    return value if isinstance(value, Mapping | FlagSettings) else {"default": value}


Flag = Annotated[
    FlagSettings, BeforeValidator(_as_table, json_schema_input_type=Scalar | FlagSettings)
]
"""A flag as it may be written: a value alone means the same as a table with that `default`."""
