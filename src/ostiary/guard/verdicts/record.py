"""What the journal says of each rollout; a service that starts anywhere reads it and goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Any

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.changes.model import Reason
from ostiary.changes.verdicts import JourneyRun, Terms, Trial
from ostiary.changes.verdicts.counters import Difference
from ostiary.kernel.journal import Entry

BEGUN = "rollout_begun"
JOURNEYS_RUN = "rollout_journeys_run"
COUNTED = "rollout_counted"
VERDICT = "rollout_verdict"
ENDED = "rollout_ended"
RESET = "rollout_reset"

STOPPED_MAX = 100
"""So many stopped revisions of a rollout are remembered, the newest ones."""

_COUNTS = 3
"""Requests, faults and refusals: what a window's counts are kept by."""


@dataclass(frozen=True, slots=True)
class Course:
    """One rollout: the trial of its present revision, and the revisions that were stopped.

    `told` is the verdict that was noted last, so that only changes are noted.
    """

    trial: Trial | None = None
    stopped: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    told: str | None = None

    def after(self, entry: Entry) -> "Course":
        """Return the course with one more entry; kinds that it does not know change nothing."""
        data = entry.data
        if entry.kind == BEGUN:
            trial = Trial.begin(data["revision"], _terms_of(data["terms"]), _unix(entry.at))
            return replace(self, trial=trial, told=None)
        if entry.kind == VERDICT:
            return replace(self, told=data["verdict"])
        if entry.kind == RESET:
            others = _without(self.stopped, data["revision"])
            if self.trial is not None and self.trial.revision == data["revision"]:
                return Course(None, others)
            return replace(self, stopped=others)
        return self if self.trial is None else self._with(_after(self.trial, entry))

    def _with(self, trial: Trial) -> "Course":
        if not trial.stopped:
            return replace(self, trial=trial)
        others = _without(self.stopped, trial.revision)
        kept = dict(list(others.items())[1 - STOPPED_MAX :])
        return replace(self, trial=trial, stopped={**kept, trial.revision: trial.stopped})


def read(entries: Iterable[Entry]) -> dict[str, Course]:
    """Return the course of each rollout that the entries, oldest first, add up to."""
    courses: dict[str, Course] = {}
    for entry in entries:
        if entry.subject is not None:
            courses[entry.subject] = courses.get(entry.subject, Course()).after(entry)
    return courses


def run_data(run: JourneyRun) -> dict[str, Any]:
    """Return what is noted of a run."""
    failures = {name: list(pair) for name, pair in run.failures.items()}
    return {"canary_there": run.canary_there, "failures": failures}


def counted_data(found: Difference) -> dict[str, Any]:
    """Return what is noted of a reading: what was counted, never the totals."""
    rows = [
        [each.stratum, *astuple(each.canary)[:_COUNTS], *astuple(each.control)[:_COUNTS]]
        for each in found.windows
    ]
    return {"windows": rows, "share": found.share, "new_share": found.new_share}


def _after(trial: Trial, entry: Entry) -> Trial:
    """Return a trial with what was seen of it, or its end."""
    data, at = entry.data, _unix(entry.at)
    if entry.kind == JOURNEYS_RUN:
        return trial.after_run(_run_of(data), at)
    if entry.kind == COUNTED:
        windows = tuple(_window_of(row) for row in data["windows"])
        share, is_new = data["share"], bool(data["new_share"])
        return trial.after_counts(windows, at, share=share, new_share=is_new)
    return replace(trial, ended=True) if entry.kind == ENDED else trial


def _terms_of(data: Mapping[str, Any]) -> Terms:
    return Terms(
        alpha=data["alpha"], routes=tuple(data["routes"]), harmless_margin=data["harmless_margin"]
    )


def _run_of(data: Mapping[str, Any]) -> JourneyRun:
    failures = {name: (pair[0], pair[1]) for name, pair in data["failures"].items()}
    return JourneyRun(failures, bool(data["canary_there"]))


def _window_of(row: list[Any]) -> StratumWindow:
    canary, control = row[1 : 1 + _COUNTS], row[1 + _COUNTS :]
    return StratumWindow(str(row[0]), ArmCounts(*canary), ArmCounts(*control))


def _without(
    stopped: Mapping[str, tuple[Reason, ...]], revision: str
) -> dict[str, tuple[Reason, ...]]:
    return {name: reasons for name, reasons in stopped.items() if name != revision}


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
