"""Conducting a change: the controller decides, this feeds it and carries out what it says.

The loop reads the edge, closes windows, lets the controller decide, journals, and only then
renews the canary's lease. If any of it stops working, the canary drains by itself.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ostiary.changes import actions, events
from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.controller import begin, handle
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.records import result_to_json, state_from_json, state_to_json
from ostiary.changes.service_change import services_of_change
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.state import ChangeState, Phase, Step
from ostiary.changes.terms import NO_TERMS, Terms
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.latencies import Latencies
from ostiary.edge.route_classes import CLASS_NAMES, STRATA
from ostiary.guard import history
from ostiary.guard.background import Background
from ostiary.guard.balance_watch import BalanceWatch
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.change_record import ChangeRecord, order_to_json
from ostiary.guard.course_keeper import CourseKeeper
from ostiary.guard.effects import Effects
from ostiary.guard.lease import LeaseServer
from ostiary.guard.mint_watch import Minted, MintWatch
from ostiary.guard.plane import DataPlane
from ostiary.guard.service_journeys import strata_of_services
from ostiary.guard.trials import Trials
from ostiary.guard.windows import WindowReader
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal

_CYCLE_SECONDS = 0.25
_CYCLES_PER_WINDOW = 2
_CYCLES_PER_LATENCIES = 8
_PREPARING = (Phase.CHECKING, Phase.STARTING, Phase.REHEARSING)
_USERS_NEAR = (Phase.PINNED, Phase.STEPPING, Phase.BAKING)


@dataclass(frozen=True, slots=True)
class ConductorParts:
    """What conducting a change needs."""

    plane: DataPlane
    lease: LeaseServer
    effects: Effects
    trials: Trials
    watch: CanaryWatch
    balance: BalanceWatch
    journal: Journal
    snapshots: SnapshotStore
    clock: Clock
    courses: CourseKeeper
    pacing: Pacing
    alpha: float
    mints: MintWatch = field(default_factory=MintWatch)


class Conductor:
    """Runs at most one change at a time.

    `state` is that of the latest change, `windows` what was counted for it so far.
    """

    def __init__(self, parts: ConductorParts) -> None:
        self._parts = parts
        self.state: ChangeState | None = None
        self._snapshot: Snapshot | None = None
        self.windows: WindowReader | None = None
        self._unexposed: EdgeCounters | None = None
        """What the edge had counted when users could not yet reach the candidates."""
        self._background = Background()

    @property
    def is_busy(self) -> bool:
        """Return whether a change is under way."""
        return self.state is not None and not self.state.settled

    def start(
        self,
        change: str,
        snapshot: Snapshot,
        from_stage: Stage,
        pacing: Pacing,
        *,
        force_reason: str | None = None,
        terms: Terms = NO_TERMS,
        approval: Approval = NO_APPROVAL,
        services: tuple[str, ...] = (),
    ) -> None:
        """Begin a change that has been journalled as proposed, of `services` alone if any."""
        self._parts.plane.services.changing = services
        balance = self._parts.balance.begin(snapshot.id, self._parts.alpha)
        step = begin(
            change,
            snapshot.id,
            now=self._parts.clock.monotonic(),
            pacing=pacing,
            evidence=self._evidence(None if balance is None else balance.alpha, snapshot),
            from_stage=from_stage,
            force_reason=force_reason,
            terms=terms,
            agreement=approval,
            balance=balance,
        )
        self._begin(snapshot, step)

    def take_over(self, record: ChangeRecord) -> None:
        """Finish a change that an earlier guard left unfinished, as the controller says."""
        lost = None
        try:
            snapshot = self._parts.snapshots.get(record.snapshot)
            before = self._parts.snapshots.get(record.from_snapshot)
            self._parts.plane.services.changing = services_of_change(snapshot, before)
        except OstiaryError as error:
            # Nothing can be started of it any more; what runs can be put away without it.
            snapshot, lost = Snapshot(record.snapshot, {}, {}), str(error)
        now = self._parts.clock.monotonic()
        try:
            state = state_from_json(record.state)
        except ValueError:
            # Its guard died before the first step, or was of another version.
            pacing, evidence = self._parts.pacing, self._evidence(None, snapshot)
            state, _ = begin(record.id, record.snapshot, now=now, pacing=pacing, evidence=evidence)
        self._begin(snapshot, handle(state, events.GuardRestarted(), now))
        if lost is not None and self.state is not None and self.state.phase is Phase.APPROVING:
            self.command(events.Command("rollback", "the guard", lost))

    def _evidence(self, alpha: float | None, snapshot: Snapshot) -> EvidenceSettings:
        strata = self._strata(snapshot)
        return EvidenceSettings(strata=strata, alpha=alpha or self._parts.alpha)

    def _strata(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Return what is compared: all that identity serves, or the services that change."""
        services = self._parts.plane.services.changing
        return strata_of_services(snapshot, services) if services else STRATA

    def is_running(self, change: str) -> bool:
        """Return whether this change is the one that is under way."""
        return self.is_busy and self.state is not None and self.state.change == change

    def course_of(self, change: str) -> dict[str, Any] | None:
        """Return the course of a change's evidence, None where this guard did not see it."""
        return self._parts.courses.of(change)

    def command(self, command: events.Command | events.Approved) -> None:
        """Give the running change an operator's command; raises `CommandRefusedError`."""
        self._deliver(command)

    async def run(self) -> None:
        """Watch for ever. Raises what went wrong beyond repair; then the canary drains."""
        cycle = 0
        while True:
            if self.is_busy:
                await self._look(cycle)
            if self._background.failure is not None:
                # Raised here it ends the loop, so that the lease is not renewed.
                raise self._background.failure
            self._parts.lease.renew(self._parts.watch.silent)
            cycle += 1
            await asyncio.sleep(_CYCLE_SECONDS)

    async def abandon(self) -> None:
        """Stop carrying out actions, because everything is being stopped."""
        await self._background.abandon()

    async def _look(self, cycle: int) -> None:
        """Read the edge and the canary, and tell the controller what there is to know."""
        parts = self._parts
        if self.state is not None and self.state.phase in _PREPARING:
            self._unexposed = await parts.plane.counters()
        if cycle % _CYCLES_PER_WINDOW == 0 and self.windows is not None:
            latencies = await self._latencies(cycle)
            counters = await parts.plane.counters()
            counted = self.windows.close(counters, latencies, self._minted())
            stable = self.windows.stable
            self._deliver(events.WindowClosed(*counted, stable.requests, stable.faults))
            self._check_counts(self.windows)
        if self.state is not None and self.state.phase in _USERS_NEAR:
            await self._look_at_replicas(self.state)
        if self.is_busy:
            self._deliver(events.Tick())

    def _minted(self) -> Minted | None:
        """Return what last good was shown so far of its own tokens and the canary's."""
        state = self.state
        if state is None or state.balance is not None or state.phase not in _USERS_NEAR:
            return None
        if self._parts.plane.services.changing:
            return None
        serving = self._parts.plane.serving
        return self._parts.mints.totals(last_good=serving, canary=state.snapshot)

    async def _latencies(self, cycle: int) -> Latencies | None:
        """Return the durations where they are due: a reading of them is large."""
        near = self.state is not None and self.state.phase in _USERS_NEAR
        if not near or cycle % _CYCLES_PER_LATENCIES:
            return None
        return await self._parts.plane.latencies()

    async def _look_at_replicas(self, state: ChangeState) -> None:
        parts = self._parts
        if state.balance is None:
            trouble = await parts.watch.trouble(parts.plane.candidates)
            if trouble is not None and self.is_busy:
                self._deliver(events.CanaryUnavailable(trouble.text, trouble.code))
            return
        # They are the last good ones: one that dies is followed, and no verdict about the edge.
        await parts.watch.trouble(parts.plane.stable)
        seen = await parts.balance.look(state.snapshot)
        if seen is not None and self.is_busy:
            self._deliver(seen)

    def _check_counts(self, windows: WindowReader) -> None:
        """Put the change away where the edge drops counts: its failures could be among them."""
        state = self.state
        if windows.incomplete and state is not None and state.phase in _USERS_NEAR:
            self._parts.journal.append(history.COUNTS_LOST, state.change, {"lost": windows.lost})
            text = f"The edge did not count {windows.lost} attempts or answers by their outcome."
            self._deliver(events.EdgeFailed(text))

    def _begin(self, snapshot: Snapshot, step: Step) -> None:
        self._snapshot = snapshot
        self.windows = self._unexposed = None
        self._parts.watch.reset()
        self._parts.courses.begin(step[0].change)
        self._move(None, step)

    def _deliver(self, event: events.Event) -> None:
        before = self.state
        if before is not None and self.is_busy:
            step = handle(before, event, self._parts.clock.monotonic())
            try:
                if isinstance(event, events.Command | events.Approved):
                    data = order_to_json(event)
                    self._parts.journal.append(history.CHANGE_ORDERED, before.change, data)
                if isinstance(event, events.WindowClosed) and before.phase in _USERS_NEAR:
                    self._parts.courses.add(step[0], event)
                self._move(before, step)
            except BaseException as error:
                # What cannot be recorded must not go on: the loop ends, and with it the lease.
                self._background.fail(error)
                raise

    def _move(self, before: ChangeState | None, step: Step) -> None:
        """Take a step: journal where it leads, then carry out its actions in their order."""
        state, ordered = step
        if before is None or _place(before) != _place(state):
            self._parts.courses.keep(state)
            self._parts.journal.append(history.CHANGE_MOVED, state.change, state_to_json(state))
        self.state = state
        for action in ordered:
            if isinstance(action, actions.SetShare):
                self._begin_to_count(state, self._unexposed)
            if isinstance(action, actions.Settle):
                self._settle(action)
            else:
                self._carry_out(action)

    def _settle(self, action: actions.Settle) -> None:
        result = action.result
        self._parts.journal.append(history.CHANGE_SETTLED, result.change, result_to_json(result))
        self._background.start(self._parts.trials.clean_up())

    def _carry_out(self, action: actions.Action) -> None:
        state, snapshot = self.state, self._snapshot
        assert state is not None and snapshot is not None  # noqa: S101, PT018 - set by `_begin`

        async def perform() -> None:
            event = await self._parts.effects.perform(action, state.change, snapshot)
            # An answer that comes after the change has ended must not be taken for the next one's.
            if event is None or self.state is None or self.state.change != state.change:
                return
            if isinstance(action, actions.SetShare) and self.windows is None:
                self._begin_to_count(state, await self._parts.plane.counters())
            self._deliver(event)

        self._background.start(perform())

    def _begin_to_count(self, state: ChangeState, first: EdgeCounters | None) -> None:
        """Count from before the first share was ordered: users may meet it before it is confirmed.

        A share may also take effect on one Envoy and fail on the other, or never be confirmed.
        """
        if self.windows is None and first is not None:
            intended = frozenset(state.terms.intended)
            self.windows = WindowReader(
                first, intended, by_kind=state.balance is None, classes=self._classes(state)
            )

    def _classes(self, state: ChangeState) -> Collection[str]:
        """Return the classes of routes that the change is compared on."""
        is_of_services = self._parts.plane.services.changing
        return state.evidence.settings.strata if is_of_services else CLASS_NAMES

    def brief(self) -> dict[str, Any] | None:
        """Return the running change in short, None where none runs."""
        if self.state is None or self.state.settled:
            return None
        state = self.state
        return {"change": state.change, "stage": state.stage.value, "share": state.share}


def _place(state: ChangeState) -> tuple[object, ...]:
    """Return what must be journalled when it changes; evidence alone moves too often."""
    return (state.stage, state.phase, state.share, state.ordered_share, state.verdict)
