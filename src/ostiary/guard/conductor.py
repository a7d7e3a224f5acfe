"""Conducting a change: the controller decides, this feeds it and carries out what it says.

The loop reads the edge, closes windows, lets the controller decide, journals, and only then
renews the canary's lease. If any of it stops working, the canary drains by itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.changes import actions, events
from ostiary.changes.controller import begin, handle
from ostiary.changes.evidence import EvidenceSettings
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.records import result_to_json, state_from_json, state_to_json
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.changes.state import ChangeState, Phase, Step
from ostiary.edge.route_classes import CLASS_NAMES
from ostiary.guard import history
from ostiary.guard.canary_watch import CanaryWatch
from ostiary.guard.effects import Effects
from ostiary.guard.lease import LeaseServer
from ostiary.guard.plane import DataPlane
from ostiary.guard.trials import Trials
from ostiary.guard.windows import WindowReader
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal

_CYCLE_SECONDS = 0.25
_CYCLES_PER_WINDOW = 2
_USERS_NEAR = (Phase.PINNED, Phase.STEPPING, Phase.BAKING)


@dataclass(frozen=True, slots=True)
class ConductorParts:
    """What conducting a change needs."""

    plane: DataPlane
    lease: LeaseServer
    effects: Effects
    trials: Trials
    watch: CanaryWatch
    journal: Journal
    snapshots: SnapshotStore
    clock: Clock
    pacing: Pacing
    alpha: float


class Conductor:
    """Runs at most one change at a time."""

    def __init__(self, parts: ConductorParts) -> None:
        self._parts = parts
        self.state: ChangeState | None = None
        self._snapshot: Snapshot | None = None
        self._windows: WindowReader | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: BaseException | None = None

    @property
    def windows(self) -> WindowReader | None:
        """Return what was counted so far for the running change."""
        return self._windows

    @property
    def is_busy(self) -> bool:
        """Return whether a change is under way."""
        return self.state is not None and not self.state.settled

    def start(
        self, change: str, snapshot: Snapshot, from_stage: Stage, force_reason: str | None
    ) -> None:
        """Begin a change that has been journalled as proposed."""
        parts = self._parts
        settings = EvidenceSettings(strata=CLASS_NAMES, alpha=parts.alpha)
        step = begin(
            change,
            snapshot.id,
            now=parts.clock.monotonic(),
            pacing=parts.pacing,
            evidence=settings,
            from_stage=from_stage,
            force_reason=force_reason,
        )
        self._begin(snapshot, step)

    def take_over(self, record: history.ChangeRecord) -> None:
        """Finish a change that an earlier guard left unfinished, as the controller says."""
        parts = self._parts
        snapshot = parts.snapshots.get(record.snapshot)
        state = state_from_json(record.state) if record.state else self._never_moved(record)
        self._begin(snapshot, handle(state, events.GuardRestarted(), parts.clock.monotonic()))

    def _never_moved(self, record: history.ChangeRecord) -> ChangeState:
        """Return the state of a change whose guard died before its first step."""
        state, _ = begin(
            record.id,
            record.snapshot,
            now=self._parts.clock.monotonic(),
            pacing=self._parts.pacing,
            evidence=EvidenceSettings(strata=CLASS_NAMES, alpha=self._parts.alpha),
        )
        return state

    def command(self, command: events.Command) -> None:
        """Give the running change an operator's command; raises `CommandRefusedError`."""
        self._deliver(command)

    async def run(self) -> None:
        """Watch for ever. Raises what went wrong beyond repair; then the canary drains."""
        cycle = 0
        while True:
            if self.is_busy:
                await self._look(cycle)
            if self._failed is not None:
                raise self._failed
            self._parts.lease.renew()
            cycle += 1
            await asyncio.sleep(_CYCLE_SECONDS)

    async def abandon(self) -> None:
        """Stop carrying out actions, because everything is being stopped."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, cycle: int) -> None:
        """Read the edge and the canary, and tell the controller what there is to know."""
        parts = self._parts
        if cycle % _CYCLES_PER_WINDOW == 0 and parts.plane.share is not None:
            reading = await parts.plane.counters()
            if self._windows is None:
                self._windows = WindowReader(reading)
            windows, failures, hidden = self._windows.close(reading)
            self._deliver(events.WindowClosed(windows, failures, hidden))
        state = self.state
        if state is not None and state.phase in _USERS_NEAR:
            trouble = await parts.watch.trouble(parts.plane.canary)
            if trouble is not None and self.is_busy:
                self._deliver(events.CanaryUnavailable(trouble))
        if self.is_busy:
            self._deliver(events.Tick())

    def _begin(self, snapshot: Snapshot, step: Step) -> None:
        self._snapshot = snapshot
        self._windows = None
        self._parts.watch.reset()
        self._move(None, step)

    def _deliver(self, event: events.Event) -> None:
        before = self.state
        if before is not None and not before.settled:
            self._move(before, handle(before, event, self._parts.clock.monotonic()))

    def _move(self, before: ChangeState | None, step: Step) -> None:
        """Take a step: journal where it leads, then carry out its actions in their order."""
        state, ordered = step
        self.state = state
        if before is None or _place(before) != _place(state):
            data: dict[str, Any] = dict(state_to_json(state))
            self._parts.journal.append(history.CHANGE_MOVED, state.change, data)
        for action in ordered:
            if isinstance(action, actions.Settle):
                self._settle(action)
            else:
                self._carry_out(action)

    def _settle(self, action: actions.Settle) -> None:
        result: dict[str, Any] = dict(result_to_json(action.result))
        self._parts.journal.append(history.CHANGE_SETTLED, action.result.change, result)
        self._parts.lease.withdraw()
        self._track(self._parts.trials.clean_up())

    def _carry_out(self, action: actions.Action) -> None:
        async def perform() -> None:
            state, snapshot = self.state, self._snapshot
            if state is None or snapshot is None:
                return
            event = await self._parts.effects.perform(action, state.change, snapshot)
            if isinstance(action, actions.SetShare) and self._windows is None:
                self._windows = WindowReader(await self._parts.plane.counters())
            if event is not None:
                self._deliver(event)

        self._track(perform())

    def _track(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Keep what went wrong: the loop raises it, so that the lease is not renewed."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed = task.exception()

    def brief(self) -> dict[str, Any] | None:
        """Return the running change in short, None where none runs."""
        state = self.state
        if state is None or state.settled:
            return None
        return {"change": state.change, "stage": state.stage.value, "share": state.share}


def _place(state: ChangeState) -> Sequence[object]:
    """Return what must be journalled when it changes; evidence alone moves too often."""
    return (state.stage, state.phase, state.share, state.ordered_share, state.verdict)
