"""The settings that belong to a snapshot: `[identity] [flags] [edge] [services]`."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.flag_settings import Flag
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.kernel.hashing import canonical_json
from ostiary.kernel.settings import SettingsTable


def _not_available(value: object) -> object:
    if isinstance(value, Mapping) and value:
        raise PydanticCustomError(
            "value_error", "other services than identity are not available yet; remove the table"
        )
    return value


class SnapshotSettings(SettingsTable):
    """What rolls back together with the release."""

    identity: IdentitySettings = IdentitySettings()
    flags: Mapping[str, Flag] = Field(
        {},
        description="Feature flags by name: true or false, a number or text, or a table that says "
        "who gets which value.",
    )
    edge: EdgeSettings = EdgeSettings()
    services: Annotated[Mapping[str, Any], BeforeValidator(_not_available)] = Field(
        {}, description="Other guarded services; not available yet, so this stays empty."
    )

    @classmethod
    def from_snapshot(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings in a snapshot. Raises `ValueError` for those of another version."""
        return cls.model_validate_json(canonical_json(settings))

    def to_snapshot(self) -> dict[str, Any]:
        """Return the tables of a snapshot, every default written out.

        A default that changes in a later version of Ostiary must not change what an older
        snapshot means. What is not set and has no default is left out.
        """
        return self.model_dump(mode="json", exclude_none=True)
