"""The words of a change: stages, verdicts, reasons and the record that a change leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.kernel.errors import ExitCode


class Stage(StrEnum):
    """How far a change has come, in this order."""

    CHECK = "check"
    APPROVE = "approve"
    REHEARSE = "rehearse"
    CANARY = "canary"
    BAKE = "bake"
    GOOD = "good"


class Verdict(StrEnum):
    """How a change ended."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled_back"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a verdict: a stable code, a sentence for people, and the numbers behind it."""

    code: str
    text: str
    numbers: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """How a canary was taken away. All but `after_seconds` count from the decision, in seconds.

    The decision fell `after_seconds` after the proposal, while the canary had `share` of the
    requests; None where none could reach it. `edge_seconds` is when every Envoy had confirmed
    that it serves the last good version only, `journeys_seconds` when journeys passed through the
    edge; None where that has not come. After a guard's restart both are those of its own work.
    """

    share: float | None
    after_seconds: float
    edge_seconds: float | None = None
    journeys_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """The record of a change, as the command line prints it.

    `verdict` is None while the change goes on. `users_affected` counts requests of users that
    ended with a server fault although a second opinion was asked; None where counts were lost.
    `failed_attempts_hidden` counts attempts of the canary that users did not see. `withdrawal` is
    None for a change that ended before the edge knew it, or was promoted.
    """

    change: str
    snapshot: str
    stage: Stage
    verdict: Verdict | None
    reasons: tuple[Reason, ...]
    users_affected: int | None
    failed_attempts_hidden: int
    seconds: float
    withdrawal: Withdrawal | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Return what the command line answers to the shell."""
        return exit_code_of(self.verdict, self.stage)


def exit_code_of(verdict: Verdict | None, stage: Stage) -> ExitCode:
    """Return what the end of a change means to the shell; one that goes on is no failure."""
    match verdict:
        case None | Verdict.PROMOTED:
            return ExitCode.DONE
        case Verdict.REFUSED:
            at_check = stage is Stage.CHECK
            return ExitCode.REFUSED if at_check else ExitCode.REHEARSAL_FAILED
        case Verdict.ROLLED_BACK:
            return ExitCode.ROLLED_BACK
        case Verdict.HELD:
            return ExitCode.HELD
