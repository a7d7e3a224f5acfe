"""Approval: that somebody else than the proposer has looked at a change and agreed."""

from dataclasses import dataclass

WEEK_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Approval:
    """Whether a change needs approval, and who gave it.

    `proposer` cannot give it. `expires_seconds` is how long it waits. `since` is when it began to
    wait, in the guard's monotonic seconds: a wall clock that jumps neither ends the wait nor
    lengthens it.
    """

    required: bool = False
    expires_seconds: float = WEEK_SECONDS
    proposer: str = ""
    since: float | None = None
    operator: str | None = None
    comment: str = ""


NO_APPROVAL = Approval()
