"""The settings that belong to a snapshot: `[identity] [flags] [edge] [services]`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ostiary.changes.setting_fields import DAY, seconds, unit
from ostiary.kernel.settings import SettingsTable

Scalar = bool | int | float | str
"""What a flag may hold."""


class IdentitySettings(SettingsTable):
    """The login service. Every change of it is a new snapshot, hence new replicas."""

    audience: str | None = Field(
        None,
        description="Audience of access tokens; the issuer where it is not set.",
        min_length=1,
        max_length=500,
    )
    access_token_seconds: int = seconds(300, "How long an access token is accepted.", le=DAY)
    id_token_seconds: int = seconds(300, "How long an ID token is accepted.", le=DAY)
    code_seconds: int = seconds(
        60, "How long an authorization code can be exchanged (RFC 6749, 4.1.2).", ge=5, le=600
    )
    refresh_token_seconds: int = seconds(
        1_209_600, "How long a refresh token can be used.", ge=60, le=365 * DAY
    )
    session_seconds: int = seconds(
        43_200, "How long a browser stays signed in.", ge=60, le=365 * DAY
    )
    leeway_seconds: int = seconds(
        5, "Difference between clocks that is tolerated when tokens are checked.", ge=0, le=300
    )
    jwks_max_age_seconds: int = seconds(
        60,
        "How long others may cache the published keys; a new key is published this long ahead.",
        le=3600,
    )
    sign_up: bool = Field(True, description="Whether visitors may make an account themselves.")
    hash_memory_kib: int = Field(
        19_456,
        description="Memory of one Argon2id password hash.",
        ge=8_192,
        le=1_048_576,
        json_schema_extra=unit("KiB"),
    )
    hash_time_cost: int = Field(
        2,
        description="Passes over the memory of one password hash.",
        ge=1,
        le=16,
        json_schema_extra=unit("passes"),
    )
    hash_parallelism: int = Field(
        1,
        description="Lanes of one password hash.",
        ge=1,
        le=16,
        json_schema_extra=unit("lanes"),
    )
    threads: int = Field(
        4,
        description="Requests that one replica works on at the same time.",
        ge=1,
        le=64,
        json_schema_extra=unit("threads"),
    )
    replicas: int = Field(
        2,
        description="Processes that serve the last good snapshot.",
        ge=1,
        le=64,
        json_schema_extra=unit("processes"),
    )


class EdgeSettings(SettingsTable):
    """The way in: where users arrive and how requests are passed on."""

    public_url: str | None = Field(
        None,
        description="Address that users see, which is the issuer of tokens, such as "
        "`https://login.example.com`; the listening address where it is not set.",
        max_length=500,
    )
    listen_host: str = Field(
        "127.0.0.1", description="IP address on which the edge listens.", max_length=45
    )
    envoys: int = Field(
        2,
        description="Envoy processes that share the port.",
        ge=1,
        le=16,
        json_schema_extra=unit("processes"),
    )
    per_try_timeout_seconds: float = seconds(
        2.0,
        "How long one attempt may take before last good is asked instead; longer than the longest "
        "queue of password hashes.",
        ge=0.1,
        le=60,
    )
    status_url: str = Field(
        "",
        description="Status page that the plain page links to when nobody answers; empty for none.",
        max_length=500,
    )


def _not_available(value: object) -> object:
    if isinstance(value, Mapping) and value:
        raise PydanticCustomError(
            "value_error", "other services than identity are not available yet; remove the table"
        )
    return value


class SnapshotSettings(SettingsTable):
    """What rolls back together with the release."""

    identity: IdentitySettings = IdentitySettings()
    flags: Mapping[str, Scalar] = Field(
        {}, description="Feature flags by name: true or false, a number or text."
    )
    edge: EdgeSettings = EdgeSettings()
    services: Annotated[Mapping[str, Any], BeforeValidator(_not_available)] = Field(
        {}, description="Other guarded services; not available yet, so this stays empty."
    )

    def to_snapshot(self) -> dict[str, Any]:
        """Return the tables of a snapshot, every default written out.

        A default that changes in a later version of Ostiary must not change what an older
        snapshot means. What is not set and has no default is left out.
        """
        return self.model_dump(mode="json", exclude_none=True)
