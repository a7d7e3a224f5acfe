"""The ways of a drill: which mode, and at which stage the guard begins to look."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.scenarios.reading import Scenario
from ostiary.kernel.errors import UsageError

Way = tuple[Mode, str | None]
"""A mode, and the stage at which the guard begins; None is its first one."""

STAGES: Final = ("rehearse", "canary", "bake")
EVERY_WAY: Final[tuple[Way, ...]] = (
    (Mode.UNGUARDED, None),
    (Mode.GUARDED, None),
    (Mode.GUARDED, "canary"),
)


class ModeChoice(StrEnum):
    """What a command line may choose: a mode, or all ways one after the other."""

    UNGUARDED = Mode.UNGUARDED.value
    GUARDED = Mode.GUARDED.value
    ESCAPED = Mode.ESCAPED.value
    ALL = "all"


def orders_of(
    scenarios: Sequence[Scenario], choice: ModeChoice, from_stage: str | None, seed: int
) -> list[DrillOrder]:
    """Return what is to be run, all ways of a drill after each other.

    Where nothing is proposed, no stage can be begun at, so one of the ways is missing. Raises
    `UsageError` for a first stage that does not fit.
    """
    if from_stage is not None and (choice is not ModeChoice.GUARDED or from_stage not in STAGES):
        raise UsageError(
            "stage_unknown",
            f"--from {from_stage} does not fit --mode {choice.value}.",
            hint=f"With --mode guarded, write one of {', '.join(STAGES)}.",
        )
    if choice is ModeChoice.ALL:
        orders = [DrillOrder(each, *way, seed) for each in scenarios for way in EVERY_WAY]
        return [order for order in orders if not (order.injects and order.from_stage)]
    orders = [DrillOrder(each, Mode(choice.value), from_stage, seed) for each in scenarios]
    for order in orders:
        if order.injects and from_stage is not None:
            raise UsageError(
                "stage_without_change",
                f"--from {from_stage} does not fit {order.scenario.name}: its fault is "
                "injected, and nothing is proposed.",
                hint="Leave --from out, or run the drills that replay outages: all.",
            )
    return orders
