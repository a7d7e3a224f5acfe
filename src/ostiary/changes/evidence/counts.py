"""What the edge counted: attempts of both arms in one window, per stratum."""

from dataclasses import dataclass
from typing import NamedTuple, Self

WINDOW_SECONDS = 0.5
"""How long one window is, in seconds. Decisions are taken at the end of windows only."""


class Trials(NamedTuple):
    """How many of an arm's requests showed one kind of event."""

    requests: int
    events: int


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """First attempts of one arm, and how they went.

    `requests` counts first attempts that ended in the window, `faults` those with a server fault,
    `refusals` those with a refusal. `overturned` counts second attempts that ended plainly good:
    the arm failed or refused, the last good version did not. A second attempt may end a window
    later than its first, so `overturned` may exceed `requests` in one window, but not in all.
    Raises `ValueError` for a negative count.
    """

    requests: int = 0
    faults: int = 0
    refusals: int = 0
    overturned: int = 0

    def __post_init__(self) -> None:
        """Refuse negative counts: they come from subtracting counters of different processes."""
        if min(self.requests, self.faults, self.refusals, self.overturned) < 0:
            raise ValueError(f"Counts cannot be negative: {self}.")

    def __add__(self, other: Self) -> "ArmCounts":
        """Return the counts of both together."""
        return ArmCounts(
            self.requests + other.requests,
            self.faults + other.faults,
            self.refusals + other.refusals,
            self.overturned + other.overturned,
        )

    def within_requests(self) -> tuple["ArmCounts", "ArmCounts"]:
        """Return what fits to the requests, and the surplus that belongs to a later window."""
        used = ArmCounts(
            self.requests,
            min(self.faults, self.requests),
            min(self.refusals, self.requests),
            min(self.overturned, self.requests),
        )
        surplus = ArmCounts(
            0,
            self.faults - used.faults,
            self.refusals - used.refusals,
            self.overturned - used.overturned,
        )
        return used, surplus


NO_COUNTS = ArmCounts()


@dataclass(frozen=True, slots=True)
class StratumWindow:
    """One window of one stratum, that is of one class of routes: the canary beside its control."""

    stratum: str
    canary: ArmCounts
    control: ArmCounts
