"""The settings of the edge: `[edge]`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ostiary.changes.setting_fields import DAY, seconds, unit
from ostiary.kernel.settings import SettingsTable

Balancer = Literal["round_robin", "least_request", "random", "ring_hash", "maglev"]
"""How the edge chooses a replica."""

Weight = Annotated[int, Field(ge=0, le=128)]
"""A weight of 0 has a rule of its own, which says what to do instead."""

Rate = Annotated[float, Field(gt=0, le=1_000_000)]
"""Sign-ins a second."""


def _as_tuple(value: object) -> object:
    """Return a list as a tuple, which cannot be changed after reading."""
    return tuple(value) if isinstance(value, list) else value


class EdgeSettings(SettingsTable):
    """The way in: where users arrive and how requests are passed on."""

    public_url: str | None = Field(
        None,
        description="Address that users see, which is the issuer of tokens, such as "
        "`https://login.example.com`; the listening address where it is not set.",
        max_length=500,
    )
    listen: str = Field(
        "127.0.0.1:8000",
        description="IP address and port on which the edge listens, such as `0.0.0.0:443` or "
        "`[::]:443`; `up --port` names another port.",
        max_length=53,
    )
    certificate: str | None = Field(
        None,
        description="PEM file of the certificate, followed by those that issued it; a relative "
        "path begins at the settings file. Without one the edge speaks plain HTTP, on loopback "
        "only.",
        min_length=1,
        max_length=4096,
    )
    key: str | None = Field(
        None,
        description="PEM file of the certificate's private key, without a passphrase.",
        min_length=1,
        max_length=4096,
    )
    trust_proxy: bool = Field(
        False,
        description="Whether a proxy on this machine ends TLS and writes the client's address as "
        "the last one in `X-Forwarded-For`.",
    )
    popup_sign_in: bool = Field(
        False,
        description="Whether applications may open sign-in in a window that stays tied to theirs.",
    )
    hsts_seconds: int = Field(
        365 * DAY,
        description="How long browsers remember to come by https only; 0 for not at all.",
        ge=0,
        le=2 * 365 * DAY,
        json_schema_extra=unit("seconds"),
    )
    connections_max: int = Field(
        4_000,
        description="Connections of clients to one Envoy; fewer where the limit of open files "
        "allows no more.",
        ge=10,
        le=30_000,
        json_schema_extra=unit("connections"),
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
    balancer: Balancer = Field(
        "round_robin",
        description="How the edge chooses a replica for a request.",
    )
    hash_on: Literal["client_address"] = Field(
        "client_address",
        description="What `ring_hash` and `maglev` choose by.",
    )
    weights: Annotated[tuple[Weight, ...], Field(strict=False), BeforeValidator(_as_tuple)] = Field(
        (),
        description="Weight of each replica by its seat, 1 to 128; empty for all alike.",
        max_length=64,
    )
    capacity: Annotated[
        Rate | Annotated[tuple[Rate, ...], Field(strict=False)] | None, BeforeValidator(_as_tuple)
    ] = Field(
        None,
        description="Sign-ins a second that one replica can do, or a list by seat; measured where "
        "it is not set.",
        json_schema_extra=unit("sign-ins a second"),
    )
    peak: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="Sign-ins a second that all replicas together get at most; 1.5 times the "
        "busiest minute on record where it is not set.",
        json_schema_extra=unit("sign-ins a second"),
    )
    key_skew: float | None = Field(
        None,
        description="Zipf exponent by which requests fall on client addresses; learnt where it is "
        "not set.",
        ge=0,
        le=5,
        json_schema_extra=unit("exponent"),
    )
    hash_keys: int | None = Field(
        None,
        description="Number of client addresses; learnt where it is not set.",
        ge=1,
        le=100_000_000,
        json_schema_extra=unit("addresses"),
    )
