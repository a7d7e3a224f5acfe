"""Keeping the course of the evidence: a series for the running change, journalled now and then."""

from datetime import timedelta
from typing import Any

from ostiary.changes.course import Course
from ostiary.changes.events import WindowClosed
from ostiary.changes.state import ChangeState
from ostiary.guard import history
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal


class CourseKeeper:
    """Follows one change at a time.

    The series goes into the journal when a step ends and when the verdict falls: often enough for
    a guard that dies, and so that what one change adds to the journal has a bound.
    """

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._change = ""
        self._began = 0.0
        self._course: Course | None = None
        self._kept: tuple[object, ...] = ()

    def begin(self, change: str) -> None:
        """Forget the series of another change."""
        self._change, self._course, self._kept = change, None, ()

    def add(self, state: ChangeState, window: WindowClosed) -> None:
        """Add a window that `state` has taken. Only where arms are compared there is evidence."""
        if state.share is None or (state.balance is not None and not state.balance.by_arms):
            return
        step_began = state.seen if state.step_began is None else state.step_began
        course = self._course
        if course is None:
            self._began = step_began
            ago = self._clock.monotonic() - step_began
            course = Course(self._clock.now() - timedelta(seconds=ago), state.evidence.threshold)
        course = course.at_step(state.share, step_began - self._began)
        seconds = state.seen - self._began
        self._course = course.after(state.evidence, window.strata, seconds=seconds)

    def keep(self, state: ChangeState) -> None:
        """Journal the series where a step or the change has ended since it was journalled."""
        place = (state.share, state.verdict)
        if self._course is None or place == self._kept:
            return
        self._kept = place
        self._journal.append(history.CHANGE_EVIDENCE, self._change, self._course.to_json())

    def of(self, change: str) -> dict[str, Any] | None:
        """Return the series as it is now; None for a change that this guard has not followed."""
        is_known = self._course is not None and change == self._change
        return self._course.to_json() if is_known and self._course is not None else None
