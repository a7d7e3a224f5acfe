"""The settings that belong to a snapshot: `[identity] [flags] [edge] [services]`."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.flag_settings import Flag
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.service_settings import ServiceSettings
from ostiary.kernel.hashing import canonical_json
from ostiary.kernel.settings import SettingsTable


class SnapshotSettings(SettingsTable):
    """What rolls back together with the release."""

    identity: IdentitySettings = IdentitySettings()
    flags: Mapping[str, Flag] = Field(
        {},
        description="Feature flags by name: true or false, a number or text, or a table that says "
        "who gets which value.",
    )
    edge: EdgeSettings = EdgeSettings()
    services: Mapping[str, ServiceSettings] = Field(
        {}, description="Other services that are guarded beside identity, by name."
    )

    @classmethod
    def from_snapshot(cls, settings: Mapping[str, Any]) -> Self:
        """Return the settings in a snapshot. Raises `ValueError` for those of another version."""
        return cls.model_validate_json(canonical_json(settings))

    def to_snapshot(self) -> dict[str, Any]:
        """Return the tables of a snapshot, every default written out.

        A default that changes in a later version of Ostiary must not change what an older
        snapshot means. What is not set and has no default is left out, and so is where the
        releases of services were read from: a snapshot names them by their content.
        """
        places = {"services": {"__all__": {"release"}}}
        return self.model_dump(mode="json", exclude_none=True, exclude=places)
