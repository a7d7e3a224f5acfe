"""The settings of the guard itself: `[guard]`. They are never part of a snapshot."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from ostiary.changes.operator_settings import OperatorSettings
from ostiary.changes.setting_fields import DAY, as_tuple, seconds, unit
from ostiary.changes.verdict_settings import VerdictSettings
from ostiary.kernel.settings import SettingsTable
from ostiary.watch.own_journeys.settings import JourneySettings

Percent = Annotated[int, Field(ge=1, le=100)]
Steps = Annotated[tuple[Percent, ...], Field(strict=False), BeforeValidator(as_tuple)]


class GuardSettings(SettingsTable):
    """How changes are judged and how long their stages last."""

    alpha: float = Field(
        0.001,
        description="Greatest probability that a healthy change is rolled back, per change.",
        gt=0,
        lt=0.5,
        json_schema_extra=unit("probability"),
    )
    steps: Steps = Field(
        (1, 5, 25, 50, 100),
        description="Shares of requests for the canary, one after the other; they rise to 100.",
        min_length=1,
        max_length=20,
        json_schema_extra=unit("percent"),
    )
    flag_steps: Steps = Field(
        (100,),
        description="The same for a change in which nothing but flags differs.",
        min_length=1,
        max_length=20,
        json_schema_extra=unit("percent"),
    )
    step_seconds_min: float = seconds(
        10.0, "How long each step lasts at least.", ge=0.5, le=7 * DAY
    )
    held_after_seconds: float = seconds(
        600.0,
        "After how long without a decision a change is held; counted from the start of the canary, "
        "in bake from its earliest end.",
        le=30 * DAY,
    )
    bake_seconds: float = seconds(
        900.0, "How long the old replicas stay warm at full share.", ge=0, le=30 * DAY
    )
    rehearsal_start_seconds_max: float = seconds(
        20.0, "How long a replica may take until it is ready.", le=600
    )
    store_copy_seconds_max: float = seconds(
        120.0,
        "How long copying the store may take, for trying migrations of a release on the copy.",
        ge=1,
        le=DAY,
    )
    lease_seconds: float = seconds(
        3.0,
        "Without a sign of the guard's loop for this long, the canary drains; when the guard is "
        "gone altogether, within a second.",
        le=60,
    )
    snapshots_kept: int = Field(
        10,
        description="How many good snapshots stay startable, the newest ones.",
        ge=2,
        le=1_000,
        json_schema_extra=unit("snapshots"),
    )
    stop_seconds_max: float = seconds(
        10.0, "How long a replica may drain before it is killed.", ge=0.1, le=600
    )
    require_approval: bool = Field(
        False,
        description="Whether another operator has to approve a change before anything starts.",
    )
    approval_expires_seconds: float = seconds(
        7.0 * DAY, "After how long without approval a change is held.", le=90 * DAY
    )
    socket: str = Field(
        "",
        description="Second socket of the guard, for operators who cannot open the data directory.",
    )
    operators: Mapping[str, OperatorSettings] = Field(
        {}, description="Who may do what; without any, the owner of the data directory alone."
    )
    journeys: Mapping[str, JourneySettings] = Field(
        {}, description="A team's own journeys, tried beside the built-in ones."
    )
    verdicts: VerdictSettings | None = Field(
        None, description="Verdicts about rollouts that others drive; see `ostiary verdict serve`."
    )
