"""The configuration of one replica: read once at start, never changed afterwards.

The file is written by whoever starts the replica. It names the files that hold secrets and the
database URL, which may hold one; therefore it is readable by its owner only.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostiary.identity.flags.definition import FlagDefinitions
from ostiary.kernel.errors import RefusedError


class IdentitySettings(BaseModel):
    """The `[identity]` table of a snapshot. Durations are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    audience: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    """`aud` of access tokens; the issuer where it is not set."""

    previous_audiences: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=4)
    ] = []
    signing_algorithm: Literal["ES256", "RS256", "EdDSA"] = "ES256"
    access_token_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    id_token_seconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    code_seconds: Annotated[int, Field(ge=5, le=600)] = 60
    refresh_token_seconds: Annotated[int, Field(ge=60, le=31_536_000)] = 1_209_600
    session_seconds: Annotated[int, Field(ge=60, le=31_536_000)] = 43_200
    session_grace_seconds: Annotated[int, Field(ge=0, le=3_600)] = 300
    leeway_seconds: Annotated[int, Field(ge=1, le=300)] = 5
    jwks_max_age_seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    key_rotation_days: Annotated[int, Field(ge=0, le=3_650)] = 90
    sign_up: bool = True
    mail_from: Annotated[str, Field(max_length=254, pattern=r"^([!-~]+@[!-~]+)?$")] = ""
    mail_smtp_url: Annotated[str, Field(max_length=500, pattern=r"^(smtps?://.+)?$")] = ""
    mail_smtp_password_file: Annotated[str, Field(max_length=4096, pattern=r"^(/(?s:.)+)?$")] = ""
    audit_days: Annotated[int, Field(ge=1, le=3_650)] = 400
    hash_memory_kib: Annotated[int, Field(ge=8_192, le=1_048_576)] = 19_456
    hash_time_cost: Annotated[int, Field(ge=1, le=16)] = 2
    hash_parallelism: Annotated[int, Field(ge=1, le=16)] = 1
    hash_concurrency: Annotated[int, Field(ge=0, le=64)] = 0
    hash_queue: Annotated[int, Field(ge=1, le=256)] = 16
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    database_connections: Annotated[int, Field(ge=0, le=200)] = 0
    replicas: Annotated[int, Field(ge=1, le=64)] = 2
    memory_max_mib: Annotated[int, Field(ge=192, le=65_536)] = 512


class ReplicaConfiguration(BaseModel):
    """Everything that one replica needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    snapshot: str
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)]
    health_port: Annotated[int, Field(ge=1, le=65_535)]
    database_url: str = Field(repr=False)
    issuer: str
    status_url: str = ""
    admin_token_file: str
    edge_token_file: str
    store_key_file: str
    settings: IdentitySettings = IdentitySettings()
    flags: FlagDefinitions = {}

    @property
    def audience(self) -> str:
        """Return the present audience of access tokens that a client does not override."""
        return self.settings.audience or self.issuer


def load(path: Path) -> ReplicaConfiguration:
    """Read a replica's configuration file.

    Raises `RefusedError` that names the first wrong keys; values are not repeated, since they
    may be secrets. What settings must satisfy together stands in `settings_rules`.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RefusedError(
            "configuration_unreadable", f"Cannot read {path}: {error.strerror}."
        ) from error
    try:
        return ReplicaConfiguration.model_validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'file'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:5]
        )
        raise RefusedError("configuration_invalid", f"{path}: {wrong}") from None


def read_token(path: str) -> str:
    """Return the secret in a token file. Raises `RefusedError` when it is missing or empty."""
    try:
        token = Path(path).read_text().strip()
    except OSError as error:
        raise RefusedError(
            "token_unreadable", f"Cannot read the token file {path}: {error.strerror}."
        ) from error
    if not token:
        raise RefusedError("token_empty", f"The token file {path} is empty.")
    return token
