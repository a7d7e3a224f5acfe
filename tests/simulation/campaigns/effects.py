"""How actions take effect: at once or late, twice, in part, or not at all."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ostiary.changes import actions, events
from ostiary.changes.state import ChangeState
from ostiary.guard import history
from ostiary.guard.failed_actions import failure_of
from tests.simulation.campaigns.diary import Diary
from tests.simulation.campaigns.outside import SEATS, Outside
from tests.simulation.campaigns.plane import Plane
from tests.simulation.sampling import binomial
from tests.simulation.traffic import STRATA

if TYPE_CHECKING:
    from tests.simulation.campaigns.guard import Fate

Answer = Callable[[str, events.Event], None]
Later = Callable[[float, Callable[[], None]], None]
EDGE_ACTIONS = (actions.SetShare, actions.WithdrawCanary, actions.PromoteSnapshot)
JOURNEY_STEPS = 10
JOURNEYS_SECONDS = 1.0


class Effects:
    """Carries out the actions of one guard."""

    def __init__(
        self, outside: Outside, plane: Plane, fate: "Fate", diary: Diary, later: Later
    ) -> None:
        self._outside = outside
        self._plane = plane
        self._fate = fate
        self._rng: random.Random = fate.rng
        self._diary = diary
        self._later = later
        self._candidates_free_at = 0.0

    def perform(self, action: actions.Action, state: ChangeState, answer: Answer) -> None:
        """Begin an action. Whatever befalls it is drawn here."""
        plan, rng = self._fate.plan, self._rng
        if isinstance(action, actions.MarkGood | actions.MarkServed):
            served = isinstance(action, actions.MarkServed)
            for _ in range(1 + (rng.random() < plan.repeats)):
                self._mark(self._plane.last_good if served else state.snapshot, state.change)
            return
        if isinstance(action, actions.RevokeMinted):
            self._outside.revoked.add(state.snapshot)
            return
        if isinstance(action, EDGE_ACTIONS):
            self._want(action, state)
        effect_after = self._effect_after(action)
        fails = rng.random() < plan.fails
        if isinstance(action, actions.StopReplaced):
            work = self._stopping(self._plane.take_replaced(), fails)
        else:
            work = self._work(action, state, fails)
        answer_after = effect_after + self._seconds() / 2
        is_lost = rng.random() < plan.is_lost
        if isinstance(action, actions.StopCandidates | actions.StopReplaced):
            self._outside.stops_failed += fails or is_lost

        def carry_out() -> None:
            self._fate.moment()
            event = work()
            self._fate.moment()
            if event is not None and not is_lost:
                self._later(answer_after - effect_after, lambda: answer(state.change, event))

        self._later(effect_after, carry_out)
        if isinstance(action, EDGE_ACTIONS) and rng.random() < plan.repeats:
            self._later(effect_after + self._seconds(), self._write)

    def _effect_after(self, action: actions.Action) -> float:
        """Return after how many seconds an action takes effect."""
        seconds = self._seconds()
        if isinstance(action, actions.RunJourneys | actions.RunProof):
            seconds += JOURNEYS_SECONDS
        if isinstance(action, actions.StartCandidates | actions.StopCandidates):
            # One after the other: a change may end while its candidates are still starting.
            seconds += max(0.0, self._candidates_free_at - self._outside.now)
            self._candidates_free_at = self._outside.now + seconds
        return seconds

    def _seconds(self) -> float:
        slow = self._rng.random() < self._fate.plan.slow
        return self._rng.uniform(1.0, 8.0) if slow else self._rng.uniform(0.01, 0.3)

    def _mark(self, snapshot: str, change: str) -> None:
        data = {"snapshot": snapshot, "because": change, "serving": self._plane.serving}
        self._diary.append(history.MARKED_GOOD, snapshot, data)

    def _want(self, action: actions.Action, state: ChangeState) -> None:
        match action:
            case actions.SetShare(share=share, intended=intended):
                self._plane.set_share(state.snapshot, share, intended=bool(intended))
            case actions.WithdrawCanary():
                self._outside.lease_until = -1.0
                self._plane.withdraw()
            case actions.PromoteSnapshot():
                self._plane.promote(state.snapshot)

    def _write(self, envoys: tuple[int, ...] = (0, 1)) -> None:
        """Let edge processes take what is wanted by now: an older model is never written later."""
        for index in envoys:
            self._outside.envoys[index] = self._plane.table()

    def _stopping(self, code: str | None, fails: bool) -> Callable[[], events.Event | None]:
        def stop() -> events.Event | None:
            if fails:
                return None
            if code is not None:
                self._outside.stop(code)
            return events.ReplicasStopped()

        return stop

    def _work(
        self, action: actions.Action, state: ChangeState, fails: bool
    ) -> Callable[[], events.Event | None]:
        def work() -> events.Event | None:
            if fails:
                if isinstance(action, EDGE_ACTIONS):
                    self._write(self._rng.choice(((), (0,), (1,))))
                return failure_of(action, "It did not succeed.")
            return self._succeed(action, state)

        return work

    def _succeed(  # noqa: PLR0911 - one line for each action
        self, action: actions.Action, state: ChangeState
    ) -> events.Event | None:
        outside, plane = self._outside, self._plane
        code = outside.codes[state.snapshot]
        nature = outside.natures[state.snapshot]
        match action:
            case actions.RunChecks():
                return events.Checked(ok=nature.check or action.scope == "parse")
            case actions.StartCandidates():
                return self._start(code)
            case actions.RunRehearsal():
                return events.Rehearsed(passed=nature.rehearsal)
            case actions.RunJourneys():
                return self._journeys(state.snapshot)
            case actions.RunProof(of=of):
                return events.ProofRun(of, passed=self._proof())
            case actions.StopCandidates():
                stopping, plane.canary = plane.canary, None
                return self._stopping(stopping, fails=False)()
            case actions.SetShare(share=share):
                self._write()
                return events.EdgeApplied(share)
            case actions.WithdrawCanary():
                self._write()
                return events.CanaryWithdrawn()
            case actions.PromoteSnapshot():
                self._write()
                self._outside.lease_until = -1.0
                return events.SnapshotPromoted()
        raise AssertionError(action)

    def _start(self, code: str) -> events.Event:
        if not self._outside.natures[code].start:
            return events.CandidatesFailed("not_started", "It does not start.")
        self._outside.alive[code] = SEATS
        self._plane.canary = code
        return events.CandidatesReady()

    def _journeys(self, snapshot: str) -> events.JourneysRun:
        outside, rng = self._outside, self._rng
        nature = outside.natures[snapshot]
        if nature.blind:
            nature = replace(nature, faults=0.0, refuses=0.0, accepts=0.0)
        control_failed = rng.random() < self._fate.plan.flaps or outside.fault_in_journeys(
            self._plane.stable
        )
        wrong_yes = nature.accepts > 0.0 and rng.random() < nature.accepts
        met = {
            stratum: binomial(rng, JOURNEY_STEPS // 2, nature.faults + nature.refuses) > 0
            for stratum in STRATA
        }
        flapped = rng.random() < nature.journeys or outside.fault_in_journeys(self._plane.stable)
        passed = not (wrong_yes or any(met.values()) or flapped)
        return events.JourneysRun(
            passed,
            frozenset(stratum for stratum in STRATA if not met[stratum] and not flapped),
            control_passed=not control_failed,
            hideable=not passed and not wrong_yes,
            verified=nature.faults + nature.refuses < 1.0,
        )

    def _proof(self) -> bool:
        code = self._outside.envoys[0].serving
        nature = self._outside.natures[code]
        alive = self._outside.alive.get(code, 0) > 0
        met = not nature.blind and binomial(
            self._rng, JOURNEY_STEPS, min(1.0, nature.faults + nature.refuses)
        )
        return alive and not met and not self._outside.fault_in_journeys(code)
