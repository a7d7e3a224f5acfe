"""What the controller asks for. Each action is safe to do twice: a crash may lose its answer.

All but `MarkGood`, `MarkServed`, `RevokeMinted` and `Settle` are answered by an event, also when
they fail or take too long: the controller itself has no time-out for checks, starts and rehearsals.
For an edge write it has one, since users may be behind it.
"""

from dataclasses import dataclass
from typing import Literal

from ostiary.changes.model import ChangeResult
from ostiary.changes.terms import Replay
from ostiary.edge.intended_refusals import IntendedRefusal


@dataclass(frozen=True, slots=True)
class RunChecks:
    """Check the snapshot; `parse` is the typed parse alone, which nothing skips."""

    scope: Literal["all", "parse"]


@dataclass(frozen=True, slots=True)
class StartCandidates:
    """Start the candidate replicas, off traffic."""


@dataclass(frozen=True, slots=True)
class RunRehearsal:
    """Rehearse on the candidates, off traffic; `replay` is to be tried again beside the rest."""

    replay: Replay | None = None


@dataclass(frozen=True, slots=True)
class SetShare:
    """Route a share of the traffic to the canary, and as much to the control arm where possible.

    At 0 the canary gets pinned journeys only; at 1 there is no control arm. Refusals that are
    `intended` stand, without a second opinion.
    """

    share: float
    intended: tuple[IntendedRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class RunJourneys:
    """Run the pinned journeys through the edge on the canary, and the same ones on the control."""


@dataclass(frozen=True, slots=True)
class WithdrawCanary:
    """Write the edge so that the last good version alone serves, pinned routes included."""


@dataclass(frozen=True, slots=True)
class StopCandidates:
    """Let the candidate replicas drain and stop."""


@dataclass(frozen=True, slots=True)
class PromoteSnapshot:
    """Write the edge so that the candidates serve everybody as stable. Old replicas stay up."""


@dataclass(frozen=True, slots=True)
class MarkGood:
    """Record the snapshot as last good."""


@dataclass(frozen=True, slots=True)
class MarkServed:
    """Record what is served as last good again: to take it back did not succeed."""


@dataclass(frozen=True, slots=True)
class StopReplaced:
    """Let the replicas of the former last good version drain and stop."""


@dataclass(frozen=True, slots=True)
class RunProof:
    """Run the journeys through the edge as a user would, and answer with the same `of`."""

    of: Literal["promotion", "rollback"]


@dataclass(frozen=True, slots=True)
class RevokeMinted:
    """Take back all that the change's snapshot has minted, as soon as none of it runs any more.

    It is owed from now on, and nothing waits for it: the store may be away.
    """

    because: str


@dataclass(frozen=True, slots=True)
class Settle:
    """The change has ended; record and tell the result."""

    result: ChangeResult


Action = (
    RunChecks
    | StartCandidates
    | RunRehearsal
    | SetShare
    | RunJourneys
    | WithdrawCanary
    | StopCandidates
    | PromoteSnapshot
    | MarkGood
    | MarkServed
    | StopReplaced
    | RunProof
    | RevokeMinted
    | Settle
)
