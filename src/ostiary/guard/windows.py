"""From the edge's counters to windows of evidence."""

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.edge.counters import EdgeCounters, StratumCounts, difference
from ostiary.edge.intended_refusals import IntendedRefusal

_NOTHING = StratumCounts()
_USER_ARMS = ("canary", "control")

LOST_MAX = 16
"""Counts without a name that mean nothing: those of requests under way in two readings."""


class WindowReader:
    """Turns readings of the edge's counters into what was counted between two of them.

    `lost` is how many attempts and answers the edge has seen and counted under no name. Refusals
    that the change intends count as requests only.
    """

    def __init__(
        self, first: EdgeCounters, intended: frozenset[IntendedRefusal] = frozenset()
    ) -> None:
        self._intended = intended
        self._first = self._last = first
        self.lost = 0
        self.canary = ArmCounts()
        self.control = ArmCounts()
        self.hidden = 0
        self.final_failures = 0

    @property
    def incomplete(self) -> bool:
        """Whether so many counts were lost that what is left is no evidence."""
        return self.lost > LOST_MAX

    def close(self, reading: EdgeCounters) -> tuple[tuple[StratumWindow, ...], int, int]:
        """Return the strata of one window, the canary's failed answers, and the hidden failures.

        Strata without any request are left out.
        """
        counted = difference(reading, self._last).strata(self._intended)
        # What is missing in two readings in a row was not just under way.
        unnamed = reading.unnamed_since(self._first)
        self.lost = min(unnamed, self._last.unnamed_since(self._first))
        self._last = reading
        names = sorted({stratum for stratum, arm in counted if arm in _USER_ARMS})
        windows = tuple(
            StratumWindow(
                name,
                _arm(counted.get((name, "canary"), _NOTHING)),
                _arm(counted.get((name, "control"), _NOTHING)),
            )
            for name in names
        )
        failures = sum(
            counts.final_failures for (_, arm), counts in counted.items() if arm == "canary"
        )
        hidden = sum(window.canary.overturned for window in windows)
        for window in windows:
            self.canary += window.canary
            self.control += window.control
        self.hidden += hidden
        self.final_failures += failures
        return windows, failures, hidden


def _arm(counts: StratumCounts) -> ArmCounts:
    return ArmCounts(counts.requests, counts.faults, counts.refusals, counts.overturned)
