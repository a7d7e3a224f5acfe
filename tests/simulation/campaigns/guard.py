"""A guard process: the loop of `ostiary.guard.conductor`, in virtual time, and mortal.

It may die before and after every action, every entry of the journal, and every answer. What it had
in mind dies with it; what it had begun to write to the edge may still take effect.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from ostiary.changes import actions, controller, events
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.records import result_to_json, state_from_json, state_to_json
from ostiary.changes.state import ChangeState, Phase, Step
from ostiary.guard import history
from tests.simulation.campaigns.diary import Diary
from tests.simulation.campaigns.edge import CounterReader, Counters
from tests.simulation.campaigns.effects import Effects
from tests.simulation.campaigns.outside import LEASE_SECONDS, SEATS, Outside
from tests.simulation.campaigns.plan import Plan
from tests.simulation.campaigns.plane import Plane
from tests.simulation.traffic import STRATA

CYCLE_SECONDS = 0.25
CYCLES_PER_WINDOW = 2
CYCLES_PER_LOOK = 4
PREPARING = (Phase.CHECKING, Phase.STARTING, Phase.REHEARSING)
USERS_NEAR = (Phase.PINNED, Phase.STEPPING, Phase.BAKING)
EVIDENCE = EvidenceSettings(strata=STRATA)


class GuardDiedError(Exception):
    """The guard process has ended at this very moment."""


@dataclass
class Fate:
    """When a guard dies."""

    rng: random.Random
    plan: Plan
    deaths: int = 0

    def moment(self) -> None:
        """Die now, or not."""
        if self.deaths < self.plan.kills_max and self.rng.random() < self.plan.kill:
            self.deaths += 1
            raise GuardDiedError


@dataclass
class Guard:
    """One guard from its start to its death. `skew` is what its monotonic clock differs by."""

    outside: Outside
    diary: Diary
    fate: Fate
    skew: float
    plane: Plane
    state: ChangeState | None = None
    reader: CounterReader | None = None
    unexposed: Counters | None = None
    cycle: int = 0
    check: Callable[["Guard"], None] = lambda _guard: None
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.effects = Effects(self.outside, self.plane, self.fate, self.diary, self.later)

    @property
    def clock(self) -> float:
        """Return what the guard's monotonic clock shows."""
        return self.outside.now + self.skew

    @property
    def is_busy(self) -> bool:
        """Return whether a change is under way."""
        return self.state is not None and not self.state.settled

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something after some seconds, if the guard still lives then."""
        heapq.heappush(self._due, (self.outside.now + seconds, next(self._numbers), work))

    def begin(self, step: Step) -> None:
        """Conduct a change from here on."""
        self.reader = self.unexposed = None
        self._move(None, step)

    def take_over(self, found: history.History) -> None:
        """Finish the change that an earlier guard left unfinished."""
        if not found.unfinished:
            return
        record = found.unfinished[-1]
        try:
            state = state_from_json(record.state)
        except ValueError:
            state, _ = controller.begin(
                record.id, record.snapshot, now=self.clock, pacing=PACING, evidence=EVIDENCE
            )
        self.begin(controller.handle(state, events.GuardRestarted(), self.clock))

    def live(self) -> None:
        """Do what one cycle of the loop does."""
        self.fate.moment()
        self._do_what_is_due()
        if self.is_busy:
            self._look()
        self.outside.lease_until = self.outside.now + LEASE_SECONDS
        self.cycle += 1

    def tell(self, event: events.Event) -> None:
        """Let the controller decide about an event, and journal where that leads."""
        before = self.state
        if before is None or before.settled:
            return
        step = controller.handle(before, event, self.clock)
        if isinstance(event, events.Command | events.Approved):
            kind = event.kind if isinstance(event, events.Command) else "approve"
            data = {"operator": event.operator, "command": kind, "reason": ""}
            self.diary.append(history.CHANGE_ORDERED, before.change, data)
        self._move(before, step)

    def answer(self, change: str, event: events.Event) -> None:
        """Take an action's answer; one that comes after its change has ended is not heard."""
        self.fate.moment()
        if self.state is None or self.state.change != change:
            return
        if isinstance(event, events.EdgeApplied | events.EdgeFailed) and self.reader is None:
            self.reader = CounterReader(self.outside.counters.copy())
        self.tell(event)

    def _do_what_is_due(self) -> None:
        while self._due and self._due[0][0] <= self.outside.now:
            heapq.heappop(self._due)[2]()

    def _look(self) -> None:
        if self.state is not None and self.state.phase in PREPARING:
            self.unexposed = self.outside.counters.copy()
        if self.cycle % CYCLES_PER_WINDOW == 0 and self.reader is not None:
            self.tell(events.WindowClosed(*self.reader.close(self.outside.counters)))
        state = self.state
        if state is not None and state.phase in USERS_NEAR:
            if state.balance is not None:
                if self.cycle % CYCLES_PER_LOOK == 0:
                    seen = self.outside.look(CYCLES_PER_LOOK * CYCLE_SECONDS)
                    self.tell(events.BalanceRead(seen, undisturbed=True))
            elif self.outside.alive.get(self.plane.canary or "", 0) < SEATS:
                self.tell(events.CanaryUnavailable("A canary replica has died."))
        if self.is_busy:
            self.tell(events.Tick())

    def _move(self, before: ChangeState | None, step: Step) -> None:
        state, ordered = step
        self.fate.moment()
        if before is None or _place(before) != _place(state):
            self.diary.append(history.CHANGE_MOVED, state.change, state_to_json(state))
        self.state = state
        self.check(self)
        for action in ordered:
            self.fate.moment()
            if isinstance(action, actions.SetShare) and self.reader is None and self.unexposed:
                self.reader = CounterReader(self.unexposed)
            if isinstance(action, actions.Settle):
                data = result_to_json(action.result)
                self.diary.append(history.CHANGE_SETTLED, state.change, data)
                self.outside.lease_until = -1.0
            else:
                self.effects.perform(action, state, self.answer)
            self.fate.moment()
        self.check(self)


PACING = controller.Pacing()


def _place(state: ChangeState) -> tuple[object, ...]:
    return (state.stage, state.phase, state.share, state.ordered_share, state.verdict)
