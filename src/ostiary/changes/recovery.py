"""Whether users recover after a change was withdrawn because both arms suffered at once.

Comparing arms cannot judge such a change. Taking it away can: if users recover, that supports the
change as the cause; if they do not, it clears it.
"""

from dataclasses import dataclass

from ostiary.changes.common_mode import FAULT_SHARE_MIN, ArmFaults
from ostiary.changes.model import Reason

AFTER_SECONDS = 2.0
"""What ends so soon after the withdrawal may have begun before it, and does not count."""

WAIT_SECONDS_MAX = 10.0
"""How long the end of a change waits for users' requests that tell."""

_ENOUGH = 50
_REQUESTS_MIN = 10


@dataclass(frozen=True, slots=True)
class Recovery:
    """Users' first attempts since the withdrawal, of which some failed.

    `before` is what both arms had while they suffered.
    """

    before: ArmFaults
    requests: int = 0
    faults: int = 0

    def counted(self, requests: int, faults: int) -> "Recovery":
        """Return it with one more window."""
        return Recovery(self.before, self.requests + requests, self.faults + faults)

    @property
    def is_told(self) -> bool:
        """Return whether there have been so many requests that nothing is left to wait for."""
        return self.requests >= _ENOUGH

    def reason(self) -> Reason:
        """Return what was seen, and what it says about the change."""
        suffered = self.before.canary_requests + self.before.control_requests
        failed = self.before.canary_faults + self.before.control_faults
        numbers: dict[str, str | int | float | None] = {
            "requests_before": suffered,
            "faults_before": failed,
            "requests_after": self.requests,
            "faults_after": self.faults,
        }
        seen = f"{self.faults} of {self.requests} requests failed after it, {failed} of {suffered}"
        if self.requests < _REQUESTS_MIN:
            text = "Too few requests came after the withdrawal to tell whether the change was it"
            return Reason("recovery_unseen", f"{text}: {seen} before.", numbers)
        lower = min(FAULT_SHARE_MIN, failed / suffered / 2 if suffered else 0.0)
        if self.faults / self.requests < lower:
            text = "Users recovered with the withdrawal, which supports the change as the cause"
            return Reason("recovered", f"{text}: {seen} before.", numbers)
        text = "Users did not recover with the withdrawal, which clears the change"
        return Reason("not_recovered", f"{text}: {seen} before.", numbers)
