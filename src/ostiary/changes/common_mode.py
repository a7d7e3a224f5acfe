"""Harm in both arms at once: it is not evidence against the canary, but it is no time to go on.

A canary that locks the shared database hurts its control as much as itself. The change is then
withdrawn and held, not rolled back: recovery would support it as the cause, no recovery clear it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.changes.evidence import StratumWindow

_RECENT_WINDOWS = 10
_REQUESTS_MIN = 10
FAULT_SHARE_MIN = 0.2
_JUMP_MIN = 5.0
_PRIOR_REQUESTS = 25
"""Before anything is known, one fault in so many requests is taken as usual."""


@dataclass(frozen=True, slots=True)
class ArmFaults:
    """Requests and server faults of both arms."""

    canary_requests: int
    canary_faults: int
    control_requests: int
    control_faults: int


@dataclass(frozen=True, slots=True)
class CommonMode:
    """The last five seconds window by window, and everything before them in sum."""

    recent: tuple[ArmFaults, ...] = ()
    earlier_requests: int = 0
    earlier_faults: int = 0

    def update(self, windows: Iterable[StratumWindow]) -> "CommonMode":
        """Return the state after one window of all strata."""
        window = _sum(windows)
        recent = (*self.recent, window)
        if len(recent) <= _RECENT_WINDOWS:
            return CommonMode(recent, self.earlier_requests, self.earlier_faults)
        oldest = recent[0]
        return CommonMode(
            recent[1:],
            self.earlier_requests + oldest.canary_requests + oldest.control_requests,
            self.earlier_faults + oldest.canary_faults + oldest.control_faults,
        )

    @property
    def harmed(self) -> bool:
        """Return whether both arms now fault often, and much more often than before."""
        recent = self.in_sum
        if min(recent.canary_requests, recent.control_requests) < _REQUESTS_MIN:
            return False
        lower_share = min(
            recent.canary_faults / recent.canary_requests,
            recent.control_faults / recent.control_requests,
        )
        usual = (self.earlier_faults + 1) / (self.earlier_requests + _PRIOR_REQUESTS)
        return lower_share >= max(FAULT_SHARE_MIN, _JUMP_MIN * usual)

    @property
    def in_sum(self) -> ArmFaults:
        """Return the last five seconds together."""
        return ArmFaults(
            sum(window.canary_requests for window in self.recent),
            sum(window.canary_faults for window in self.recent),
            sum(window.control_requests for window in self.recent),
            sum(window.control_faults for window in self.recent),
        )


NOTHING_COMMON = CommonMode()


def _sum(windows: Iterable[StratumWindow]) -> ArmFaults:
    """Return one window's counts of all classes together; these count their kinds as well."""
    strata = tuple(stratum for stratum in windows if not stratum.is_part)
    return ArmFaults(
        sum(stratum.canary.requests for stratum in strata),
        sum(stratum.canary.faults for stratum in strata),
        sum(stratum.control.requests for stratum in strata),
        sum(stratum.control.faults for stratum in strata),
    )
