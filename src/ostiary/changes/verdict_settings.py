"""The settings of the verdict service: `[guard.verdicts]`.

It answers for rollouts that somebody else drives. Types and bounds of single values stand here, so
that they appear in the schema; what they mean together is judged by `changes.rules.verdicts`.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from ostiary.changes.setting_fields import DAY, as_tuple, seconds, unit
from ostiary.kernel.settings import SettingsTable

ROUTES_MAX = 30
Names = Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(as_tuple)]


class RolloutSettings(SettingsTable):
    """One login service that is rolled out elsewhere, in two versions at a time."""

    issuer: str = Field(description="The issuer, exactly as its discovery document names it.")
    stable_url: str = Field(
        description="Where the stable version answers alone, such as the URL of its service."
    )
    canary_url: str = Field(description="Where the new version answers alone.")
    journeys: Names = Field(
        (),
        description="Names of `[guard.journeys]` to walk at both, beside discovery and keys.",
    )
    routes: Names = Field(
        (),
        description="Classes of requests that are counted; each needs evidence before `go`.",
    )
    alpha: float = Field(
        0.001,
        description="Greatest probability that a harmless version is stopped.",
        gt=0,
        lt=0.5,
        json_schema_extra=unit("probability"),
    )
    harmless_margin: float = Field(
        0.01,
        description="By how much more of its requests the new version may fail and be harmless.",
        gt=0,
        lt=0.5,
        json_schema_extra=unit("share of requests"),
    )
    passes_min: int = Field(
        10,
        description="How many runs of each journey have to pass, one after the other, before `go`.",
        ge=1,
        le=10_000,
        json_schema_extra=unit("runs"),
    )
    journey_seconds: float = seconds(
        5.0, "How long after the beginning of a run the next one begins.", ge=0.1, le=3600
    )
    fresh_seconds: float = seconds(
        60.0, "How old evidence may be that speaks for `go`.", ge=1, le=DAY
    )
    asked_seconds: float = seconds(
        900.0, "For how long after the last question journeys go on.", ge=10, le=DAY
    )


class VerdictSettings(SettingsTable):
    """Where verdicts are asked for, and about what."""

    listen: str = Field(
        "127.0.0.1:8930", description="Address and port on which verdicts are asked for."
    )
    rollouts: Mapping[str, RolloutSettings] = Field(
        {}, description="The rollouts that there are verdicts about, by name."
    )
