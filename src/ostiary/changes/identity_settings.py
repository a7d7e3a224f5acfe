"""The settings of the login service: `[identity]`."""

from pydantic import Field

from ostiary.changes.setting_fields import DAY, seconds, secret, unit, unset, why
from ostiary.changes.token_fields import Audiences, SigningAlgorithm
from ostiary.kernel.settings import SettingsTable


class IdentitySettings(SettingsTable):
    """The login service. Every change of it is a new snapshot, hence new replicas."""

    audience: str | None = Field(
        None,
        description="Audience of access tokens: one word or URL that applications compare.",
        min_length=1,
        max_length=500,
        json_schema_extra=unset("the issuer"),
    )
    previous_audiences: Audiences = Field(
        (),
        description="Audiences that tokens are for as well, and that count as the present one, "
        "while applications move from them to `audience`.",
        max_length=4,
    )
    signing_algorithm: SigningAlgorithm = Field(
        "ES256", description="How tokens are signed: `ES256`, `RS256` or `EdDSA` (Ed25519)."
    )
    access_token_seconds: int = seconds(300, "How long an access token is accepted.", le=DAY)
    id_token_seconds: int = seconds(300, "How long an ID token is accepted.", le=DAY)
    code_seconds: int = seconds(
        60, "How long an authorization code can be exchanged (RFC 6749, 4.1.2).", ge=5, le=600
    )
    refresh_token_seconds: int = seconds(
        1_209_600, "How long a refresh token can be used (14 days).", ge=60, le=365 * DAY
    )
    session_seconds: int = seconds(
        43_200, "How long a browser stays signed in (12 hours).", ge=60, le=365 * DAY
    )
    session_grace_seconds: int = seconds(
        300,
        "How long a session or token that was proven goes on while the store is away; 0 for not "
        "at all.",
        ge=0,
        le=3_600,
    )
    leeway_seconds: int = seconds(
        5,
        "Difference between clocks that is tolerated when tokens are checked.",
        le=300,
        extra=why("Clocks of two machines always differ: without a leeway new tokens are refused."),
    )
    jwks_max_age_seconds: int = seconds(
        60,
        "How long others may cache the published keys; a new key is published this long ahead, and "
        "five seconds more.",
        le=3_600,
        extra=why("For so long others go on believing a key that was withdrawn."),
    )
    key_rotation_days: int = Field(
        90,
        description="How long one key signs before the next one does; 0 for as long as a "
        "snapshot is served.",
        ge=0,
        le=3_650,
        json_schema_extra=unit("days"),
    )
    sign_up: bool = Field(True, description="Whether visitors may make an account themselves.")
    mail_from: str = Field(
        "",
        description="Address that mail to people comes from, such as `login@example.com`; needed "
        "with `mail_smtp_url`.",
        max_length=254,
        pattern=r"^([!-~]+@[!-~]+)?$",
    )
    mail_smtp_url: str = Field(
        "",
        description="Mail server: `smtp://user@mail.example.com:587`, which is encrypted by "
        "STARTTLS except on this very machine, or `smtps://…`; empty for no mail. It never holds "
        "a password.",
        max_length=500,
        pattern=r"^(smtps?://.+)?$",
        json_schema_extra=secret(),
    )
    mail_smtp_password_file: str = Field(
        "",
        description="Absolute path of the file that holds the password of the mail server's user; "
        "it is read for every mail.",
        max_length=4096,
        pattern=r"^(/(?s:.)+)?$",
        json_schema_extra=secret(),
    )
    audit_days: int = Field(
        400,
        description="How long entries of the audit log are kept; those of the guard's own "
        "journeys for a day.",
        ge=1,
        le=3_650,
        json_schema_extra=unit("days"),
    )
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
    hash_concurrency: int = Field(
        0,
        description="Password hashes that one replica makes at the same time; 0 for the cores "
        "divided by `replicas`, at least one.",
        ge=0,
        le=64,
        json_schema_extra=unit("hashes"),
    )
    hash_queue: int = Field(
        16,
        description="Requests of one replica that may wait for a password hash; more are answered "
        "503 at once.",
        ge=1,
        le=256,
        json_schema_extra=unit("requests"),
    )
    threads: int = Field(
        4,
        description="Requests that one replica works on at the same time, besides those that wait "
        "for a password hash.",
        ge=1,
        le=64,
        json_schema_extra=unit("threads"),
    )
    database_connections: int = Field(
        0,
        description="Connections to the database that one replica keeps at most; 0 for one for "
        "each of its `threads` and two more.",
        ge=0,
        le=200,
        json_schema_extra=unit("connections"),
    )
    replicas: int = Field(
        2,
        description="Processes that serve the last good snapshot.",
        ge=1,
        le=64,
        json_schema_extra=unit("processes"),
    )
    memory_max_mib: int = Field(
        512,
        description="Memory that a replica may keep, besides that of password hashes "
        "(`hash_memory_kib` times the larger of `threads` and the hashes of `hash_concurrency`); "
        "one that stays above it is replaced, the new one first.",
        ge=192,
        le=65_536,
        json_schema_extra=unit("MiB"),
    )
