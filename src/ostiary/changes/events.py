"""What can happen to a change. Each event answers an action, or comes by itself."""

from dataclasses import dataclass
from typing import Literal

from ostiary.changes.balance import SeatReading
from ostiary.changes.evidence import StratumWindow
from ostiary.changes.model import Reason


@dataclass(frozen=True, slots=True)
class Checked:
    """The check is done; answers `RunChecks`. `problems` say what was refused."""

    ok: bool
    problems: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class CandidatesReady:
    """All candidate replicas run and are ready; answers `StartCandidates`."""


@dataclass(frozen=True, slots=True)
class CandidatesFailed:
    """A candidate did not start, started too slowly, or died before its canary began.

    Or it was not allowed to start, for this reason and `others`.
    """

    reason: str
    text: str
    others: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The rehearsal is done; answers `RunRehearsal`. `notes` are worth knowing, and no failures."""

    passed: bool
    failures: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class EdgeApplied:
    """Every edge process has taken the share; answers `SetShare`."""

    share: float


@dataclass(frozen=True, slots=True)
class SnapshotPromoted:
    """Every edge process serves the candidates only, as stable; answers `PromoteSnapshot`."""


@dataclass(frozen=True, slots=True)
class CanaryWithdrawn:
    """Every edge process serves the last good version only; answers `WithdrawCanary`."""


@dataclass(frozen=True, slots=True)
class EdgeFailed:
    """An edge process did not take what was written; answers the three edge actions."""

    text: str


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """One window of counts has ended.

    `final_failures` counts requests routed to the canary whose last answer was a server fault,
    `hidden` those whose first attempt failed or was refused and whose second was plainly good.
    `stable_requests` are first attempts of users outside both arms, `stable_faults` those of them
    that failed: after a withdrawal, these are all.
    """

    strata: tuple[StratumWindow, ...]
    final_failures: int = 0
    hidden: int = 0
    stable_requests: int = 0
    stable_faults: int = 0


@dataclass(frozen=True, slots=True)
class BalanceRead:
    """The replicas were looked at while a change of the edge spreads requests over them.

    `seats` are in the order of the seats. `undisturbed` says that since the look before every
    replica was there, the edge was not written, and next to nothing was asked twice, so that the
    counts follow from how the edge spreads.
    """

    seats: tuple[SeatReading, ...]
    undisturbed: bool


@dataclass(frozen=True, slots=True)
class JourneysRun:
    """The pinned journeys ran on the canary, and on the control beside it; answers `RunJourneys`.

    `strata_passed` names the strata in which every step did what it should. `control_passed` is
    None where no control ran. `hideable` says of a run that failed that second opinions hide all
    its failures from users, `verified` that a whole journey saw that what is minted is right.
    `wrong_here_alone` says that something which cannot be hidden was seen on the canary, and
    nothing of that kind on the control, whatever else failed there.
    """

    passed: bool
    strata_passed: frozenset[str] = frozenset()
    failures: tuple[Reason, ...] = ()
    control_passed: bool | None = None
    hideable: bool = False
    verified: bool = False
    wrong_here_alone: bool = False


@dataclass(frozen=True, slots=True)
class ProofRun:
    """The journeys ran through the edge as users see it; answers the `RunProof` of that name."""

    of: Literal["promotion", "rollback"]
    passed: bool
    failures: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class CanaryUnavailable:
    """A canary replica cannot serve: it died, hangs, fails the guard's own probes, or harms others.

    `code` is that of the reason that the change ends for.
    """

    text: str
    code: str = "canary_unavailable"


@dataclass(frozen=True, slots=True)
class ReplicasStopped:
    """The replicas that were to stop are gone; answers `StopCandidates` and `StopReplaced`."""


@dataclass(frozen=True, slots=True)
class Command:
    """An operator's order. `operator` and `reason` go into the record.

    `revoke` asks that a rollback takes back what was minted, whatever the reason for it is.
    """

    kind: Literal["rollback", "promote", "pause", "resume"]
    operator: str
    reason: str = ""
    revoke: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """An operator has approved the snapshot that the change goes to.

    Whether the operator's role allows it was asked before; `snapshot` is what they looked at.
    """

    operator: str
    snapshot: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class GuardRestarted:
    """A guard has taken over from one that ended; nothing it had under way will be answered."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; sent about twice a second."""


Event = (
    Checked
    | CandidatesReady
    | CandidatesFailed
    | Rehearsed
    | EdgeApplied
    | SnapshotPromoted
    | CanaryWithdrawn
    | EdgeFailed
    | WindowClosed
    | BalanceRead
    | JourneysRun
    | ProofRun
    | CanaryUnavailable
    | ReplicasStopped
    | Command
    | Approved
    | GuardRestarted
    | Tick
)
