"""A small world that carries out the controller's actions: edge, replicas, journal, and a guard.

The guard may be killed before or after any single action. What it had done stays done, what it was
told and had not journaled is lost.
"""

import json
from collections import deque
from dataclasses import dataclass, field

from ostiary.changes import actions, controller, events, records
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.balance import Balance
from ostiary.changes.evidence import WINDOW_SECONDS, EvidenceSettings
from ostiary.changes.model import ChangeResult, Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.state import Phase
from tests.simulation.traffic import STRATA, Traffic

OLD, NEW = "s-old", "s-new"
USERS_NEAR = (Phase.PINNED, Phase.STEPPING, Phase.BAKING)


class GuardKilledError(Exception):
    """The guard process ended at this very moment."""


@dataclass
class World:
    """Everything outside the controller. Snapshots are named `OLD` and `NEW`."""

    traffic: Traffic
    pacing: Pacing
    evidence: EvidenceSettings
    from_stage: Stage = Stage.CHECK
    balance: Balance | None = None
    journeys_pass: bool = True
    kill_at: frozenset[int] = frozenset()
    approval: Approval = NO_APPROVAL
    approved_after_windows: int | None = None

    now: float = 0.0
    moments: int = 0
    windows_waited: int = 0
    stable: str = OLD
    share: float | None = None
    running: set[str] = field(default_factory=lambda: {OLD})
    last_good: str = OLD
    result: ChangeResult | None = None
    journal: str = ""
    _inbox: deque[events.Event] = field(default_factory=deque)
    _todo: deque[actions.Action] = field(default_factory=deque)

    def run(self, windows_max: int = 2_000) -> ChangeResult:
        """Run one change until it has settled, restarting the guard when it is killed."""
        self.state, todo = controller.begin(
            "c-1",
            NEW,
            now=self.now,
            pacing=self.pacing,
            evidence=self.evidence,
            from_stage=self.from_stage,
            agreement=self.approval,
            balance=self.balance,
        )
        self._todo.extend(todo)
        if self.kill_at:
            self._write_journal()
        for _ in range(windows_max):
            try:
                self._work()
            except GuardKilledError:
                self._restart()
                continue
            if self.result is not None:
                return self.result
            self._pass_time()
        raise AssertionError(f"not settled after {windows_max} windows: {self.state.phase}")

    def _work(self) -> None:
        """Carry out what is to be done, and tell the controller what came of it."""
        while self._todo or self._inbox:
            while self._todo:
                self._moment()
                self._inbox.extend(self._carry_out(self._todo.popleft()))
                self._moment()
            if self._inbox:
                self._tell(self._inbox.popleft())

    def _pass_time(self) -> None:
        """Let half a second pass, with traffic where users can reach the canary."""
        self.now += WINDOW_SECONDS
        if self.state.phase is Phase.APPROVING:
            self._wait_for_approval()
            return
        if self.state.phase in USERS_NEAR:
            self._inbox.append(self.traffic.window(self.share))
        else:
            self._inbox.append(events.Tick())

    def _wait_for_approval(self) -> None:
        """Let an operator agree after some windows; the guard may be killed while it waits."""
        assert self.running == {OLD}
        self.windows_waited += 1
        try:
            self._moment()
        except GuardKilledError:
            self._restart()
            return
        approves = self.windows_waited == self.approved_after_windows
        self._inbox.append(events.Approved("bob", NEW) if approves else events.Tick())

    def _tell(self, event: events.Event) -> None:
        """Take one decision and journal it before anything is done about it."""
        self.state, todo = controller.handle(self.state, event, self.now)
        self._todo.extend(todo)
        if self.kill_at:
            self._write_journal()

    def _write_journal(self) -> None:
        self.journal = json.dumps(records.state_to_json(self.state), allow_nan=False)

    def _moment(self) -> None:
        """Count the moments at which the guard may be killed."""
        self.moments += 1
        if self.moments in self.kill_at:
            raise GuardKilledError

    def _restart(self) -> None:
        """Start a guard that knows nothing but the journal."""
        self._inbox.clear()
        self._todo.clear()
        self.state = records.state_from_json(json.loads(self.journal))
        self._tell(events.GuardRestarted())

    def _carry_out(self, action: actions.Action) -> list[events.Event]:
        """Do what is asked, and return the answers."""
        match action:
            case actions.RunChecks() | actions.RunRehearsal() | actions.StartCandidates():
                return [self._prepare(action)]
            case actions.RunJourneys() | actions.RunProof():
                return [self._run_journeys(action)]
            case actions.StopCandidates() | actions.StopReplaced():
                self.running.discard(NEW if action == actions.StopCandidates() else OLD)
                return [events.ReplicasStopped()]
            case actions.RevokeMinted():
                return []
            case actions.Settle() | actions.MarkGood():
                self._take_note(action)
                return []
        return [self._write_edge(action)]

    def _run_journeys(self, action: actions.RunJourneys | actions.RunProof) -> events.Event:
        if isinstance(action, actions.RunProof):
            return events.ProofRun(action.of, passed=self.stable in self.running)
        strata = frozenset(STRATA) if self.journeys_pass else frozenset()
        return events.JourneysRun(self.journeys_pass, strata, control_passed=True)

    def _take_note(self, action: actions.Settle | actions.MarkGood) -> None:
        if isinstance(action, actions.Settle):
            self.result = action.result
        else:
            self.last_good = NEW

    def _prepare(self, action: actions.Action) -> events.Event:
        if isinstance(action, actions.RunChecks):
            return events.Checked(ok=True)
        if isinstance(action, actions.RunRehearsal):
            return events.Rehearsed(passed=True)
        self.running.add(NEW)
        return events.CandidatesReady()

    def _write_edge(self, action: actions.Action) -> events.Event:
        if isinstance(action, actions.SetShare):
            self.share = action.share
            return events.EdgeApplied(action.share)
        self.share = None
        if isinstance(action, actions.PromoteSnapshot):
            self.stable = NEW
            return events.SnapshotPromoted()
        assert action == actions.WithdrawCanary()
        self.stable = self.last_good
        return events.CanaryWithdrawn()
