"""The settings of another guarded service than identity: `[services.NAME]`.

Types and bounds of single values stand here, so that they appear in the schema; what the values
mean together is judged by `changes.rules.services` and its neighbours.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ostiary.changes.edge_settings import Weight
from ostiary.changes.setting_fields import as_tuple, seconds, unit, unset
from ostiary.edge.route_classes import SERVICE_ROUTES_MAX
from ostiary.kernel.settings import SettingsTable
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.own_journeys.settings import JourneySettings

Word = Annotated[str, Field(min_length=1, max_length=4096)]
Prefix = Annotated[str, Field(min_length=1, max_length=200)]
Address = Annotated[str, Field(min_length=1, max_length=200)]

GROUPS_MAX = 16
MEMBERS_MAX = 64
Group = Annotated[
    tuple[Address, ...],
    Field(strict=False, min_length=1, max_length=MEMBERS_MAX),
    BeforeValidator(as_tuple),
]


class ServiceSettings(SettingsTable):
    """A program in any language that answers HTTP/1.1 at a port that it is told.

    With the runtime `endpoints` somebody else runs it, at addresses that are told here.
    """

    runtime: Literal["local", "endpoints"] = Field(
        "local",
        description="Whether Ostiary runs the service by its command, or somebody else does and "
        "`groups` say where.",
    )
    command: Annotated[tuple[Word, ...], Field(strict=False), BeforeValidator(as_tuple)] = Field(
        (),
        description="Program and arguments that run one replica, as a list; "
        "`${OSTIARY_PORT}` and its like are filled in. It has to be there, except with "
        "`endpoints`.",
        max_length=100,
    )
    release: str | None = Field(
        None,
        description="Directory that the program runs in, copied under the hash of its content; a "
        "relative path begins at the settings file. It is no part of a snapshot: its content is.",
        min_length=1,
        max_length=4096,
        json_schema_extra=unset("has to be there, except with `endpoints`"),
    )
    group: Word | None = Field(
        None,
        description="With `endpoints`: which of `groups` serves. To change it is to move traffic.",
        json_schema_extra=unset("has to be there with `endpoints`"),
    )
    groups: Mapping[str, Group] = Field(
        {},
        description="With `endpoints`: addresses by the name of their group, such as "
        '`blue = ["10.0.0.1:3000"]`.',
        max_length=GROUPS_MAX,
    )
    routes: Annotated[tuple[Prefix, ...], Field(strict=False), BeforeValidator(as_tuple)] = Field(
        description="Paths that the edge gives to the service, each with all that is below it, "
        'such as `["/orders"]`.',
        min_length=1,
        max_length=SERVICE_ROUTES_MAX,
    )
    strip_prefix: bool = Field(
        False,
        description="Whether the route is taken off the path: `/orders/7` arrives as `/7`, and "
        "`X-Forwarded-Prefix` says what was taken.",
    )
    replicas: int = Field(
        2,
        description="Processes that serve it.",
        ge=1,
        le=64,
        json_schema_extra=unit("processes"),
    )
    weights: Annotated[tuple[Weight, ...], Field(strict=False), BeforeValidator(as_tuple)] = Field(
        (),
        description="Weight of each replica by its seat, 1 to 128; empty for all alike.",
        max_length=64,
    )
    ask_again: Annotated[tuple[Prefix, ...], Field(strict=False), BeforeValidator(as_tuple)] = (
        Field(
            (),
            description="Paths below its routes where every request may be asked twice without "
            "harm, whatever its method, such as a search by POST.",
            max_length=SERVICE_ROUTES_MAX,
        )
    )
    health: str = Field(
        "/health",
        description="Path at which a replica answers 200 to 299 while it works; what it needs of "
        "others does not count.",
        max_length=200,
    )
    health_port: bool = Field(
        False,
        description="Whether `health` is asked at a port of its own, `OSTIARY_HEALTH_PORT`.",
    )
    environment: Mapping[str, str] = Field(
        {}, description="Variables that the program is given; no secret may stand in them."
    )
    pass_environment: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(as_tuple)] = (
        Field(
            (),
            description="Names of variables that the program gets as the guard has them, such as "
            "those that hold secrets; their values are written nowhere.",
            max_length=64,
        )
    )
    capacity: int | None = Field(
        None,
        description="Requests that each Envoy gives one replica at the same time; it answers 503 "
        "to what comes on top.",
        ge=1,
        le=100_000,
        json_schema_extra=unit("requests") | unset("no limit"),
    )
    timeout_seconds: float = seconds(
        15.0, "How long an answer may take until it is complete.", ge=0.1, le=600
    )
    start_seconds_max: float = seconds(
        30.0, "How long a replica may take until it is ready.", ge=0.5, le=600
    )
    memory_max_mib: int = Field(
        512,
        description="Memory that a replica may keep; one that stays above it is replaced, the new "
        "one first.",
        ge=16,
        le=65_536,
        json_schema_extra=unit("MiB"),
    )

    journeys: Mapping[str, JourneySettings] = Field(
        {},
        description="What every release of the service must do, tried at its candidates and beside "
        "last good.",
    )
    oidc: OidcSettings | None = Field(
        None,
        description="For an OpenID provider: how its journeys sign in.",
        json_schema_extra=unset("no provider"),
    )

    @property
    def is_run_elsewhere(self) -> bool:
        """Return whether somebody else starts and stops the members."""
        return self.runtime == "endpoints"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of the group that serves; none for a service that is run here."""
        return self.groups.get(self.group or "", ()) if self.is_run_elsewhere else ()

    @property
    def seats(self) -> int:
        """Return how many members the service has."""
        return len(self.addresses) if self.is_run_elsewhere else self.replicas

    def weight(self, seat: int) -> int:
        """Return the weight of a seat; one that has none written counts as 1."""
        return self.weights[seat] if seat < len(self.weights) else 1
