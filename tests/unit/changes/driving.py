"""Drives one change through its stages by hand, as the guard would."""

from dataclasses import dataclass, field

from ostiary.changes import controller, events
from ostiary.changes.actions import Action, RunJourneys, SetShare
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.balance import Balance
from ostiary.changes.evidence import ArmCounts, EvidenceSettings, StratumWindow
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.state import ChangeState, Phase

STRATA = ("sign_in", "token", "page")
EVIDENCE = EvidenceSettings(strata=STRATA)
PACING = Pacing(
    steps=(0.1, 0.5, 1.0), step_seconds_min=10.0, held_after_seconds=100.0, bake_seconds=30.0
)
PASSED = events.JourneysRun(passed=True, strata_passed=frozenset(STRATA), control_passed=True)
NEEDED = Approval(required=True, expires_seconds=100.0, proposer="ada")
APPROVED = events.Approved("bob", "s-1", "Looks right.")
FAILED = events.JourneysRun(passed=False, control_passed=True)


def window(
    canary: ArmCounts, control: ArmCounts, *, stratum: str = "token", final_failures: int = 0
) -> events.WindowClosed:
    """Return one window of one stratum."""
    return events.WindowClosed(
        (StratumWindow(stratum, canary, control),),
        final_failures=final_failures,
        hidden=canary.overturned,
    )


HEALTHY = window(ArmCounts(10), ArmCounts(10))
BROKEN = window(ArmCounts(10, 9, 0, 9), ArmCounts(10))
BOTH_BROKEN = window(ArmCounts(10, 8, 0, 0), ArmCounts(10, 8, 0, 0), final_failures=8)


@dataclass
class Drive:
    """One change, its clock, and the actions of the last event."""

    from_stage: Stage = Stage.CHECK
    force_reason: str | None = None
    pacing: Pacing = PACING
    approval: Approval = NO_APPROVAL
    balance: Balance | None = None
    now: float = 1000.0
    actions: tuple[Action, ...] = ()
    taken: list[Action] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state: ChangeState
        self.state, self.actions = controller.begin(
            "c-1",
            "s-1",
            now=self.now,
            pacing=self.pacing,
            evidence=EVIDENCE,
            from_stage=self.from_stage,
            force_reason=self.force_reason,
            agreement=self.approval,
            balance=self.balance,
        )
        self.taken += self.actions

    def tell(self, *told: events.Event, after: float = 0.0) -> "Drive":
        """Tell the controller what happened, `after` seconds later."""
        self.now += after
        for event in told:
            self.state, self.actions = controller.handle(self.state, event, self.now)
            self.taken += self.actions
        return self

    def until_decided(self, event: events.Event, times_max: int = 200) -> "Drive":
        """Tell the same event again and again until there is a verdict."""
        for _ in range(times_max):
            if self.state.verdict is not None:
                return self
            self.tell(event)
        raise AssertionError(f"no verdict after {times_max} times {type(event).__name__}")

    def apply_share(self) -> "Drive":
        """Let the edge take the share that was ordered last."""
        share = next(a.share for a in reversed(self.taken) if isinstance(a, SetShare))
        return self.tell(events.EdgeApplied(share))

    def run_journeys(self, result: events.JourneysRun = PASSED) -> "Drive":
        """Answer the journeys that are under way."""
        assert self.state.journeys.under_way
        return self.tell(result)

    def take_step(self) -> "Drive":
        """Pass one step: journeys, time, and the edge's confirmation."""
        if self.actions and isinstance(self.actions[-1], RunJourneys):
            self.run_journeys()
        return self.tell(events.Tick(), after=self.pacing.step_seconds_min).apply_share()


def at(phase: Phase, **options: object) -> Drive:
    """Return a change that has come to a phase in the usual way."""
    if phase is Phase.APPROVING:
        options.setdefault("approval", NEEDED)
    drive = Drive(**options)  # type: ignore[arg-type]
    for advance in (
        lambda: drive.tell(events.Checked(ok=True)),
        lambda: drive.tell(*([APPROVED] if drive.state.phase is Phase.APPROVING else [])),
        lambda: drive.tell(events.CandidatesReady()),
        lambda: drive.tell(events.Rehearsed(passed=True)).apply_share(),
        lambda: drive.run_journeys().apply_share(),
        lambda: drive.take_step().take_step(),
        lambda: drive.run_journeys().tell(events.Tick(), after=drive.pacing.bake_seconds),
        lambda: drive.tell(events.SnapshotPromoted()),
        lambda: drive.tell(events.ProofRun("promotion", passed=True)),
    ):
        if drive.state.phase is phase:
            return drive
        if phase in (Phase.WITHDRAWING, Phase.STOPPING, Phase.SETTLED) and (
            drive.state.phase is Phase.STEPPING
        ):
            return _ended(drive, phase)
        advance()
    assert drive.state.phase is phase
    return drive


def _ended(drive: Drive, phase: Phase) -> Drive:
    """Roll a stepping change back, as far as asked."""
    drive.tell(events.CanaryUnavailable("all replicas died"))
    if phase is not Phase.WITHDRAWING:
        drive.tell(events.CanaryWithdrawn())
    if phase is Phase.SETTLED:
        drive.tell(events.ReplicasStopped(), events.ProofRun("rollback", passed=True))
    return drive
