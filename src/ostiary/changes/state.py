"""Everything that is known about one change while it goes on."""

from dataclasses import dataclass, replace
from enum import StrEnum

from ostiary.changes.actions import Action
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.balance import Balance
from ostiary.changes.common_mode import NOTHING_COMMON, CommonMode
from ostiary.changes.errors import IllegalEventError
from ostiary.changes.events import Event, WindowClosed
from ostiary.changes.evidence import Evidence
from ostiary.changes.model import ChangeResult, Reason, Stage, Verdict, Withdrawal
from ostiary.changes.pacing import Pacing
from ostiary.changes.recovery import Recovery
from ostiary.changes.terms import NO_TERMS, Terms


class Phase(StrEnum):
    """What the change waits for. A stage has one or more phases."""

    CHECKING = "checking"
    APPROVING = "approving"
    STARTING = "starting"
    REHEARSING = "rehearsing"
    PINNED = "pinned"
    STEPPING = "stepping"
    BAKING = "baking"
    PROMOTING = "promoting"
    PROVING = "proving"
    DRAINING = "draining"
    WITHDRAWING = "withdrawing"
    STOPPING = "stopping"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class JourneyLog:
    """The runs of the pinned journeys. Times are monotonic seconds.

    `under_way` says whether a run was ordered and has not ended, `current` whether it was ordered
    since the step began. Only such runs count for `ended_at` (when the last one ended), `covered`
    (the strata that passed), `clean` (whether the last one passed) and `tolerated` (whether it
    failed in nothing but what second opinions hide from users, where those are to judge).
    `failed_in_row` counts all runs that failed in any other way where the control's did not.
    """

    under_way: bool = False
    current: bool = False
    ended_at: float | None = None
    failed_in_row: int = 0
    covered: frozenset[str] = frozenset()
    clean: bool = False
    tolerated: bool = False


@dataclass(frozen=True, slots=True)
class Finish:
    """How far the end of a change has come. Times are monotonic seconds.

    `since` is when the edge was confirmed, or ordered to promote; `retry_at` when something that
    failed, or was never answered, is tried again.
    """

    since: float | None = None
    retry_at: float | None = None
    proof_failed_in_row: int = 0
    proven: bool = False
    stopped: bool = False


NO_JOURNEYS = JourneyLog()
NOT_FINISHED = Finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeState:
    """One change. Times are monotonic seconds of the guard that reads them.

    `share` is the canary's share as confirmed by the edge, `ordered_share` one that is under way.
    `held_clock` is when the time until "held" began, moved on by pauses; `step_began` when the
    present share was confirmed. `traffic` are the strata the canary served in this step. `exposed`
    says whether users could reach the canary, `counts_lost` whether windows are missing.
    `verdict` is set as soon as it is decided, before the edge and the replicas are as they were.
    `recovery` is what is watched after both arms suffered at once.
    `balance` is what judges a change of the edge only; None for one with replicas of its own.
    """

    change: str
    snapshot: str
    pacing: Pacing
    from_stage: Stage
    force: bool
    began: float
    seen: float
    evidence: Evidence
    terms: Terms = NO_TERMS
    approval: Approval = NO_APPROVAL
    stage: Stage = Stage.CHECK
    phase: Phase = Phase.CHECKING
    share: float | None = None
    ordered_share: float | None = None
    held_clock: float | None = None
    step_began: float | None = None
    paused_since: float | None = None
    common_mode: CommonMode = NOTHING_COMMON
    balance: Balance | None = None
    journeys: JourneyLog = NO_JOURNEYS
    traffic: frozenset[str] = frozenset()
    exposed: bool = False
    counts_lost: bool = False
    final_failures: int = 0
    hidden: int = 0
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    finish: Finish = NOT_FINISHED
    recovery: Recovery | None = None
    withdrawal: Withdrawal | None = None

    @property
    def settled(self) -> bool:
        """Return whether the change has ended and nothing more is to be done."""
        return self.phase is Phase.SETTLED

    @property
    def result(self) -> ChangeResult:
        """Return the record as of the last event."""
        return ChangeResult(
            change=self.change,
            snapshot=self.snapshot,
            stage=self.stage,
            verdict=self.verdict,
            reasons=self.reasons,
            users_affected=None if self.counts_lost else self.final_failures,
            failed_attempts_hidden=self.hidden,
            seconds=self.seen - self.began,
            withdrawal=self.withdrawal,
        )

    @property
    def since_decision(self) -> float:
        """Return the seconds since it was decided to withdraw the canary; 0 where it was not."""
        decided = 0.0 if self.withdrawal is None else self.withdrawal.after_seconds
        return round(max(0.0, self.seen - self.began - decided), 3)


Step = tuple[ChangeState, tuple[Action, ...]]
"""A new state, and what to do, in this order."""


def counted(state: ChangeState, window: WindowClosed) -> ChangeState:
    """Return the state with the window's effect on users added."""
    return replace(
        state,
        final_failures=state.final_failures + window.final_failures,
        hidden=state.hidden + window.hidden,
    )


def illegal(state: ChangeState, event: Event) -> IllegalEventError:
    """Return the error for an event that cannot happen now."""
    return IllegalEventError(
        f"{type(event).__name__} cannot happen to change {state.change}"
        f" while it is {state.phase} in stage {state.stage}."
    )
