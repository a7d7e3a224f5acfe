"""What must hold at every step of a campaign, and at the end of each change.

Whoever adds detectors adds here what they may never do.
"""

from dataclasses import dataclass, field

from ostiary.changes.minted import revoking
from ostiary.changes.model import Verdict
from ostiary.changes.records import state_from_json, state_to_json
from ostiary.changes.state import ChangeState, Phase
from ostiary.guard import history
from tests.simulation.campaigns.diary import Diary
from tests.simulation.campaigns.guard import Guard
from tests.simulation.campaigns.outside import Outside
from tests.simulation.campaigns.plan import Nature, Proposed, Way

MAY_ROUTE = (Phase.PINNED, Phase.STEPPING, Phase.BAKING, Phase.PROMOTING, Phase.WITHDRAWING)
PROMOTED = (Phase.PROMOTING, Phase.PROVING, Phase.DRAINING, Phase.WITHDRAWING, Phase.STOPPING)
EVIDENCE = ("harm", "shares_not_as_intended", "replica_overloaded")
COUNTED = (Phase.DRAINING, Phase.SETTLED)
OVERTURNED_MAX = 80
"""So many overturned requests of one stratum decide, beside a control that is hardly ever wrong."""


class BrokenPromiseError(AssertionError):
    """Something happened that must not."""


@dataclass(frozen=True, slots=True)
class End:
    """How a change ended: what was proposed, what served before it, and the last state."""

    proposed: Proposed
    served: Nature
    state: ChangeState

    @property
    def judged(self) -> bool:
        """Return whether evidence could have ended a change by which users lose nothing."""
        state = self.state
        harmless = self.proposed.nature.harmless and self.served.harmless
        return harmless and state.exposed and not state.force

    @property
    def falsely_ended(self) -> bool:
        """Return whether evidence has."""
        return self.judged and any(reason.code in EVIDENCE for reason in self.state.reasons)


@dataclass
class Promises:
    """Checks one campaign. `proposed` is the change that is under way or was the last one."""

    outside: Outside
    proposed: Proposed | None = None
    served_before: str = ""
    unstopped: set[str] = field(default_factory=set)
    """What earlier changes have said they could not stop; a new guard stops it."""
    checks: int = 0
    unwatched: bool = False
    ends: list[End] = field(default_factory=list)

    def step(self, guard: Guard) -> None:
        """Check what must hold at every step. Raises `BrokenPromiseError`."""
        self.checks += 1
        self._somebody_good_serves(guard)
        self._at_most_one_canary(guard)
        self._last_good_is_startable(guard)
        self._last_good_has_the_last_word(guard)
        self._harm_is_decided(guard.state)

    def guard_died(self, diary: Diary) -> None:
        """Take note whether the canary has met users whom no guard has counted."""
        self.unstopped.clear()
        unfinished = diary.present.unfinished
        phase = unfinished[-1].state.get("phase") if unfinished else None
        if self.outside.counters.canary_met and phase not in (*COUNTED, None):
            self.unwatched = True

    def _somebody_good_serves(self, guard: Guard) -> None:
        good = {self._code(guard.diary.present.last_good)}
        state = guard.state
        if state is not None and state.phase in PROMOTED:
            good.add(self._code(state.snapshot))
        if self._took_back() and state is not None and not state.settled:
            # Until another one can serve, the one that is taken back has to.
            good.add(self._code(self.served_before))
        for table in self.outside.envoys:
            _require(table.serving in good, f"{table.serving} serves, but good is {good}")
            _require(
                self.outside.alive.get(table.serving, 0) > 0, f"nobody is left of {table.serving}"
            )

    def _at_most_one_canary(self, guard: Guard) -> None:
        state, tables = guard.state, self.outside.envoys
        canaries = {table.canary for table in tables if table.share is not None}
        _require(len(canaries) <= 1, f"two canaries: {canaries}")
        if state is None or state.settled:
            _require(not canaries, f"{canaries} after the end of {state and state.change}")
        else:
            _require(not canaries or state.phase in MAY_ROUTE, f"{canaries} in phase {state.phase}")
            _require(
                canaries <= {self._code(state.snapshot)}, f"{canaries} is not {state.snapshot}"
            )

    def _last_good_is_startable(self, guard: Guard) -> None:
        code = self._code(guard.diary.present.last_good)
        _require(
            code in self.outside.releases or self.outside.alive.get(code, 0) > 0,
            f"last good {code} neither runs nor can be started",
        )

    def _last_good_has_the_last_word(self, guard: Guard) -> None:
        """Who is asked again is last good, so that its no is never asked of a canary."""
        last_good = self._code(guard.diary.present.last_good)
        for table in self.outside.envoys:
            if table.share:
                _require(
                    table.serving == last_good,
                    f"second opinions come from {table.serving}, last good is {last_good}",
                )

    def _harm_is_decided(self, state: ChangeState | None) -> None:
        """A canary that is plainly broken meets no more users than the evidence needs."""
        if state is None or state.force or state.phase not in (Phase.STEPPING, Phase.BAKING):
            return
        if state.terms.intended or (state.balance is not None):
            return
        for name, stratum in state.evidence.strata.items():
            canary, control = stratum.canary, stratum.control
            plainly = canary.overturned >= 0.2 * canary.requests and control.overturned <= (
                0.01 * control.requests
            )
            _require(
                not (plainly and canary.overturned > OVERTURNED_MAX and control.requests > 0),
                f"{canary.overturned} of {canary.requests} overturned in {name}, and no decision",
            )

    def ended(self, guard: Guard, change: str) -> None:
        """Check what must hold once a change has settled."""
        diary, state = guard.diary, guard.state
        if state is None or state.change != change:
            # The guard died with its last entry; what it knew stands in the journal.
            state = state_from_json(diary.present.get(change).state)
        assert self.proposed is not None
        served = self.outside.natures[self.served_before]
        self.ends.append(End(self.proposed, served, state))
        _require(
            diary.count(history.CHANGE_SETTLED, change) == 1, f"{change} was settled not just once"
        )
        record = diary.present.get(change)
        _require(
            record.result is not None and record.result["verdict"] is not None,
            f"{change} ended without a verdict",
        )
        _require(diary.read() == diary.present, "the journal replays to another history")
        _require(state_from_json(state_to_json(state)) == state, "the state replays to another")
        self._ended_where_it_says(guard, state)
        self._nothing_of_it_runs(state)
        self._what_was_minted_wrongly_is_taken_back(state)
        self._counts_are_true(guard, state)

    def _ended_where_it_says(self, guard: Guard, state: ChangeState) -> None:
        last_good = guard.diary.present.last_good
        promoted = state.verdict is Verdict.PROMOTED
        _require(
            (last_good == state.snapshot) == promoted or (self._took_back() and not promoted),
            f"{state.verdict}, but last good is {last_good}",
        )
        marks = guard.diary.present.marks
        _require(len(set(marks)) == len(marks), f"a mark stands twice: {marks}")
        serving = {table.serving for table in self.outside.envoys}
        _require(len(serving) == 1, f"the edge disagrees: {serving}")
        _require(serving == {self._code(last_good)}, f"{serving} serves, not {last_good}")

    def _took_back(self) -> bool:
        return self.proposed is not None and self.proposed.way is Way.TAKE_BACK

    def _nothing_of_it_runs(self, state: ChangeState) -> None:
        """After the end there is nothing of the canary, or the record says so."""
        code = self._code(state.snapshot)
        if any(reason.code == "not_stopped" for reason in state.reasons):
            _require(self.outside.stops_failed > 0, "nothing kept it from stopping")
            self.unstopped |= set(self.outside.alive) - {self._served_now()}
        says_so = code in self.unstopped
        if state.verdict is not Verdict.PROMOTED and not self._serves(code):
            _require(says_so or not self.outside.alive.get(code), f"{code} still runs")

    def _what_was_minted_wrongly_is_taken_back(self, state: ChangeState) -> None:
        """It is, whenever guards died, and nobody is signed out for any other reason."""
        owed = bool(revoking(state))
        revoked = state.snapshot in self.outside.revoked
        _require(revoked == owed, f"what {state.snapshot} minted: revoked {revoked}, owed {owed}")

    def _served_now(self) -> str:
        return self.outside.envoys[0].serving

    def _serves(self, code: str) -> bool:
        return any(table.serving == code for table in self.outside.envoys)

    def _counts_are_true(self, guard: Guard, state: ChangeState) -> None:
        """What is told about users is what happened to them, or is not told."""
        told = state.result.users_affected
        if told is None:
            return
        _require(not self.unwatched, f"nobody counted for a while, but {told} are told")
        unread = guard.reader.close(self.outside.counters)[1] if guard.reader else 0
        happened = self.outside.counters.final_failures
        _require(
            told + unread >= happened,
            f"{happened} requests of users failed, but {told} are told",
        )

    def _code(self, snapshot: str | None) -> str:
        return self.outside.codes[snapshot or ""]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenPromiseError(otherwise)
