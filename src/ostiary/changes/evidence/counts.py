"""What the edge counted: attempts of both arms in one window, per stratum."""

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import NamedTuple, Self

from ostiary.kernel.request_kinds import is_part

WINDOW_SECONDS = 0.5
"""How long one window is, in seconds. Decisions are taken at the end of windows only."""


BLOCK_REQUESTS_MIN = 8
"""Windows are joined until both arms together have so many requests.

Both methods learn only from a block that has both arms. With one request per window, nothing would
ever be learnt; with blocks of eight, a decision costs 1.3 to 1.7 times the information bound at any
rate of traffic. The rule looks at the number of requests only, never at arms or outcomes, so
that assignment within a block stays random. A block ends early where the canary's share of both
arms may change: across that, a burst would look as if the arm that grew had caused it.
"""


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
    A user or client counts in `overturned` once per window; `repeats` are their further ones.
    `timed` counts first attempts whose duration has become known in the window, `slow` those of
    them that took longer than a threshold fixed before it; they are read more rarely. `holders`
    are users and clients who showed the last good version a token that the arm's version had
    minted, `disowned` those whose token it refused as wrong by itself.
    Raises `ValueError` for a negative count.
    """

    requests: int = 0
    faults: int = 0
    refusals: int = 0
    overturned: int = 0
    timed: int = 0
    slow: int = 0
    holders: int = 0
    disowned: int = 0
    repeats: int = 0

    def __post_init__(self) -> None:
        """Refuse negative counts: they come from subtracting counters of different processes."""
        if min(_FIELDS(self)) < 0:
            raise ValueError(f"Counts cannot be negative: {self}.")

    def __add__(self, other: Self) -> "ArmCounts":
        """Return the counts of both together."""
        return ArmCounts(
            self.requests + other.requests,
            self.faults + other.faults,
            self.refusals + other.refusals,
            self.overturned + other.overturned,
            self.timed + other.timed,
            self.slow + other.slow,
            self.holders + other.holders,
            self.disowned + other.disowned,
            self.repeats + other.repeats,
        )

    def within_requests(self) -> tuple["ArmCounts", "ArmCounts"]:
        """Return what fits to the requests, and the surplus that belongs to a later window."""
        used = ArmCounts(
            self.requests,
            min(self.faults, self.requests),
            min(self.refusals, self.requests),
            min(self.overturned, self.requests),
            self.timed,
            self.slow,
            self.holders,
            self.disowned,
            self.repeats,
        )
        surplus = ArmCounts(
            0,
            self.faults - used.faults,
            self.refusals - used.refusals,
            self.overturned - used.overturned,
        )
        return used, surplus


# Simulations make millions of these: `dataclasses.astuple`, which copies, would take half the time.
_FIELDS = attrgetter(*(each.name for each in fields(ArmCounts)))

NO_COUNTS = ArmCounts()


@dataclass(frozen=True, slots=True)
class StratumWindow:
    """One window of one stratum: the canary beside its control.

    A stratum is a class of routes, or one kind of its requests, which the class counts as well.
    `keeps_control` says that it has a control arm also while the canary has all other traffic.
    """

    stratum: str
    canary: ArmCounts
    control: ArmCounts
    keeps_control: bool = False

    @property
    def is_part(self) -> bool:
        """Return whether the window of a class counts these requests too."""
        return is_part(self.stratum)
