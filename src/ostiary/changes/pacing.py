"""How fast a change may go, and how long it will take at best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.kinds import FLAGS_ALONE, Kind
from ostiary.changes.model import Stage

JOURNEY_SECONDS = 5.0
"""Pause between two runs of the pinned journeys."""

JOURNEY_FAILURES_MAX = 2
"""So many failing runs in a row, with the control's passing, end a change."""

SETTLE_SECONDS_MAX = 60.0
"""How long a change waits for the last good version to be proven before it settles without."""

ANSWER_SECONDS_MAX = 30.0
"""How long an edge write that withdraws a canary may go unanswered before it is ordered again."""

RETRY_SECONDS = 1.0
"""Pause before an edge write or a proof that failed is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The pace of one change. Durations are in seconds.

    `steps` are the canary's shares of the traffic, rising, the last one 1.0: there the bake begins.
    `flag_steps` are those of a change of flags alone. A change without decision is held
    `held_after_seconds` after its canary began; a bake that may not end is held so long after
    `bake_seconds`. Raises `ValueError` for what makes no sense.
    """

    steps: tuple[float, ...] = (0.01, 0.05, 0.25, 0.5, 1.0)
    step_seconds_min: float = 10.0
    held_after_seconds: float = 600.0
    bake_seconds: float = 900.0
    flag_steps: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Check the steps and durations."""
        for steps in (self.steps, self.flag_steps):
            rising = all(lower < higher for lower, higher in pairwise((0.0, *steps)))
            if not steps or not rising or steps[-1] != 1.0:
                raise ValueError(f"Steps must rise from above 0 to 1.0, not {steps}.")
        if min(self.step_seconds_min, self.bake_seconds) < 0 or self.held_after_seconds <= 0:
            raise ValueError("Durations cannot be negative, and a change needs time to be decided.")

    @classmethod
    def of(cls, settings: GuardSettings) -> "Pacing":
        """Return the pace that `[guard]` asks for, its percents as shares."""
        return cls(
            steps=tuple(step / 100 for step in settings.steps),
            flag_steps=tuple(step / 100 for step in settings.flag_steps),
            step_seconds_min=settings.step_seconds_min,
            held_after_seconds=settings.held_after_seconds,
            bake_seconds=settings.bake_seconds,
        )

    def step_after(self, share: float) -> float:
        """Return the next share above `share`; 1.0 stays 1.0."""
        return next((step for step in self.steps if step > share), 1.0)

    def at_pace_of(self, kinds: Sequence[Kind]) -> "Pacing":
        """Return the pace of a change that touches `kinds`: flags alone take their own steps."""
        return replace(self, steps=self.flag_steps) if tuple(kinds) == FLAGS_ALONE else self


def expected_seconds(
    pacing: Pacing,
    from_stage: Stage = Stage.CHECK,
    *,
    start_seconds: float = 5.0,
    rehearsal_seconds: float = 10.0,
    journeys_seconds: float = 3.0,
) -> float:
    """Return how long a change takes that meets no obstacle, from its proposal to `good`.

    Starting candidates, one rehearsal and one run of the journeys are estimates; a step lasts as
    long as it must, or as its journeys do.
    """
    seconds = start_seconds + journeys_seconds + pacing.bake_seconds
    if from_stage in (Stage.CHECK, Stage.REHEARSE):
        seconds += rehearsal_seconds
    if from_stage is not Stage.BAKE:
        step_seconds = max(pacing.step_seconds_min, journeys_seconds)
        seconds += journeys_seconds + step_seconds * (len(pacing.steps) - 1)
    return seconds
