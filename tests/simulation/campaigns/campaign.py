"""One campaign: several changes one after another, with all that may go wrong meanwhile."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

from ostiary.changes import controller, events
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.balance import Balance
from ostiary.changes.errors import CommandRefusedError, IllegalEventError
from ostiary.changes.model import Stage
from ostiary.changes.state import Phase
from ostiary.changes.terms import NO_TERMS, Terms
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.guard import history
from ostiary.guard.retention import snapshots_needed
from tests.simulation.campaigns.demand import Crowd
from tests.simulation.campaigns.diary import Diary
from tests.simulation.campaigns.edge import Counters, Table
from tests.simulation.campaigns.guard import (
    CYCLE_SECONDS,
    EVIDENCE,
    Fate,
    GuardDiedError,
)
from tests.simulation.campaigns.outside import EVEN, SEATS, Outside
from tests.simulation.campaigns.plan import Nature, Plan, Proposed, Way, make_plan
from tests.simulation.campaigns.promises import BrokenPromiseError, Promises
from tests.simulation.campaigns.succession import Succession

FIRST = "s-0"
PATIENCE_SECONDS = 90.0
CHANGE_SECONDS_MAX = 900.0
SNAPSHOTS_KEPT = 2
INTENDED = (IntendedRefusal("token", "invalid_scope"),)
PREPARING = (Phase.CHECKING, Phase.STARTING, Phase.REHEARSING)


@dataclass
class Report:
    """What a campaign came to. `broken` is the promise that was not kept.

    `judged` are healthy changes that met users, `falsely_ended` those of them that evidence ended.
    """

    seed: int
    verdicts: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    checks: int = 0
    judged: int = 0
    falsely_ended: int = 0
    seconds: float = 0.0
    broken: str | None = None


class Campaign:
    """Runs one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        rng = random.Random(f"run {plan.seed}")
        self.rng = rng
        crowd = Crowd(random.Random(f"users {plan.seed}"), plan.changes[0].demand)
        self.outside = Outside(rng, crowd, late=plan.late_second_opinions)
        self.outside.natures[FIRST] = Nature()
        self.outside.codes[FIRST] = FIRST
        self.outside.releases.add(FIRST)
        self.outside.alive[FIRST] = SEATS
        self.outside.envoys = [Table(FIRST), Table(FIRST)]
        self.diary = Diary()
        self.diary.append(history.MARKED_GOOD, FIRST, {"snapshot": FIRST})
        self.fate = Fate(rng, plan)
        self.promises = Promises(self.outside)
        self.succession = Succession(self.outside, self.diary, self.fate, self.promises)
        self.guard = self.succession.new_guard(skew=1_000.0)

    def run(self) -> None:
        """Run all changes. Raises `BrokenPromiseError`."""
        for number, proposed in enumerate(self.plan.changes, start=1):
            self._idle(proposed.idle_before)
            self._one_change(f"c-{number}", f"s-{number}", proposed)

    def _idle(self, seconds: float) -> None:
        self.outside.now += seconds
        self.outside.lease_until = -1.0

    def _one_change(self, change: str, snapshot: str, proposed: Proposed) -> None:
        proposed = self._possible(proposed)
        self.outside.crowd.demand, self.outside.crowd.began = proposed.demand, self.outside.now
        self.outside.counters = Counters()
        self.outside.stops_failed = 0
        self.promises.unwatched = False
        self.promises.proposed = proposed
        self.promises.served_before = self.guard.plane.last_good
        snapshot = self._snapshot_of(proposed, snapshot)
        began = self.outside.now
        try:
            self._propose(change, snapshot, proposed)
        except GuardDiedError:
            self.guard = self.succession.after(self.guard)
        orders = list(proposed.orders)
        while self._unsettled(change):
            try:
                self._cycle(proposed, orders, began)
            except GuardDiedError:
                self.guard = self.succession.after(self.guard)
            if self.outside.now - began > CHANGE_SECONDS_MAX:
                phase = self.guard.state and self.guard.state.phase
                raise BrokenPromiseError(f"{change} never ends: it is {phase}")
        self.promises.step(self.guard)
        self.promises.ended(self.guard, change)
        self._tidy()

    def _possible(self, proposed: Proposed) -> Proposed:
        """Return a change of the same kind that can be made as things stand."""
        if proposed.way is Way.TAKE_BACK and len(self.diary.present.marks) < 2:
            return replace(proposed, way=Way.RELEASE)
        return proposed

    def _snapshot_of(self, proposed: Proposed, snapshot: str) -> str:
        """Return the snapshot that is gone to; everything but a good one is made."""
        outside = self.outside
        if proposed.way is Way.TAKE_BACK:
            return self.diary.present.marks[-2]
        outside.natures[snapshot] = proposed.nature
        if proposed.way is Way.EDGE:
            outside.codes[snapshot] = outside.codes[self.guard.plane.last_good]
        else:
            outside.codes[snapshot] = snapshot
            outside.releases.add(snapshot)
        outside.lopsided = proposed.nature.lopsided
        outside.arm_requests = outside.rest_requests = 0
        return snapshot

    def _propose(self, change: str, snapshot: str, proposed: Proposed) -> None:
        taken_back = proposed.way is Way.TAKE_BACK
        served = self.guard.plane.last_good
        data = {"snapshot": snapshot, "from_snapshot": served, "request": {}}
        if taken_back:
            self.diary.append(history.MARK_TAKEN, served, {"snapshot": served})
        self.diary.append(history.CHANGE_PROPOSED, change, data)
        self.fate.moment()
        edge_only = self.outside.codes[snapshot] == self.outside.codes[served]
        forced = proposed.way in (Way.FORCED, Way.FORCED_FLIP)
        approval = Approval(required=True, expires_seconds=60.0, proposer="ada")
        step = controller.begin(
            change,
            snapshot,
            now=self.guard.clock,
            pacing=proposed.pacing,
            evidence=EVIDENCE,
            from_stage=Stage.BAKE if taken_back else proposed.from_stage,
            force_reason="because" if forced else None,
            terms=_terms(proposed),
            agreement=approval if proposed.approval and not taken_back else NO_APPROVAL,
            balance=Balance(intended=EVEN, former=EVEN, alpha=EVIDENCE.alpha)
            if edge_only
            else None,
        )
        self.guard.begin(step)

    def _unsettled(self, change: str) -> bool:
        return self.diary.present.get(change).result is None

    def _cycle(self, proposed: Proposed, orders: list[tuple[float, str]], began: float) -> None:
        self._let_replicas_die()
        self.outside.serve(CYCLE_SECONDS)
        self._keep_replicas()
        self.guard.live()
        self._orders(proposed, orders, self.outside.now - began)
        self.promises.step(self.guard)

    def _let_replicas_die(self) -> None:
        """Kill a replica now and then, never the last one of those that serve."""
        outside = self.outside
        for code in list(outside.alive):
            least = 1 if any(table.serving == code for table in outside.envoys) else 0
            if outside.alive[code] > least and self.rng.random() < self.plan.replica_dies:
                outside.alive[code] -= 1
        state = self.guard.state
        if state is not None and state.phase in (Phase.PINNED, Phase.STEPPING, Phase.BAKING):
            after = outside.natures[state.snapshot].dies_after
            began = outside.crowd.began
            if after is not None and outside.now - began > after and state.balance is None:
                code = outside.codes[state.snapshot]
                outside.alive[code] = max(0, outside.alive.get(code, 0) - 1)

    def _keep_replicas(self) -> None:
        for code in (self.guard.plane.stable, self.guard.plane.replaced):
            if code is not None:
                self.outside.revive(code)

    def _orders(self, proposed: Proposed, orders: list[tuple[float, str]], seconds: float) -> None:
        state = self.guard.state
        if state is None or state.settled:
            return
        approved_after = proposed.approved_after
        if (
            state.phase is Phase.APPROVING
            and approved_after is not None
            and seconds > approved_after
        ):
            self._order(events.Approved("bob", state.snapshot))
        while orders and orders[0][0] <= seconds:
            self._order(events.Command(orders.pop(0)[1], "ada"))  # type: ignore[arg-type]
        if state.paused_since is not None and (
            self.guard.clock - state.paused_since >= proposed.pause_seconds
        ):
            self._order(events.Command("resume", "ada"))
        if state.phase in PREPARING and seconds > PATIENCE_SECONDS:
            self._order(events.Command("rollback", "ada"))

    def _order(self, order: events.Command | events.Approved) -> None:
        try:
            self.guard.tell(order)
        except CommandRefusedError:
            return

    def _tidy(self) -> None:
        """Remove releases as the guard does, by its own rule."""
        plane = self.guard.plane
        needed = snapshots_needed(
            self.diary.present, (plane.last_good, plane.serving), kept=SNAPSHOTS_KEPT
        )
        self.outside.releases &= {self.outside.codes[snapshot] for snapshot in needed}


def _terms(proposed: Proposed) -> Terms:
    if proposed.way is Way.TAKE_BACK:
        return Terms(restores=True)
    if proposed.way is Way.SECURITY:
        return Terms(intended=INTENDED)
    return NO_TERMS


def run(seed: int) -> Report:
    """Run the campaign of a seed, and tell what came of it."""
    campaign = Campaign(make_plan(seed))
    report = Report(seed)
    try:
        campaign.run()
    except (BrokenPromiseError, IllegalEventError) as broken:
        report.broken = f"{type(broken).__name__}: {broken}"
    report.deaths = campaign.fate.deaths
    report.checks = campaign.promises.checks
    report.seconds = campaign.outside.now
    for end in campaign.promises.ends:
        report.verdicts[str(end.state.verdict)] += 1
        report.judged += end.judged
        report.falsely_ended += end.falsely_ended
    return report
