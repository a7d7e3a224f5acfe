"""Verdicts by rollout: beginning a trial, noting what was seen, answering.

All state is a view of the journal: what is noted there is what counts, now and after a restart.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ostiary.changes.model import Reason
from ostiary.changes.verdicts import JourneyRun, Judgement, Terms, Trial, Verdict, judge
from ostiary.changes.verdicts.counters import Reading, difference, read
from ostiary.guard.verdicts import record
from ostiary.guard.verdicts.record import Course
from ostiary.guard.verdicts.telling import Answer, Rollout, reasons_told, revision_of, told
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.journal import Journal


class Verdicts:
    """Every rollout of one service. One event loop calls it; nothing in it waits."""

    def __init__(self, rollouts: Mapping[str, Rollout], journal: Journal, clock: Clock) -> None:
        """Read what the journal holds. Raises `JournalError` where it cannot be read."""
        self.rollouts = rollouts
        self._journal = journal
        self._clock = clock
        self._courses = record.read(journal.entries())
        self._readings: dict[str, Reading] = {}
        # A service that starts anew goes on with what was under way, as if just asked.
        self._asked = dict.fromkeys(rollouts, clock.monotonic())

    def overview(self) -> Answer:
        """Return all rollouts with their verdicts."""
        return {"verdicts": [self.show(name) for name in self.rollouts]}

    def show(self, name: str) -> Answer:
        """Return a rollout as it is; nothing begins. Raises `UsageError` for an unknown name."""
        rollout = self._get(name)
        trial = self._course(name).trial
        if trial is None:
            reason = Reason("not_begun", "Nobody has asked about a revision of this rollout yet.")
            return told(rollout, None, None, Judgement(Verdict.UNDECIDED, (reason,)))
        return told(rollout, trial.revision, trial, self._judge(rollout, trial))

    def ask(self, name: str, revision: object, caller: str) -> Answer:
        """Return the verdict about a revision; one that is new begins a trial.

        A revision that was stopped stays stopped, also when another one came in between, until
        `reset`. Raises `UsageError` for an unknown name, and for what is no revision.
        """
        rollout, wanted = self._get(name), revision_of(revision)
        course = self._course(name)
        trial = course.trial
        if trial is None or trial.revision != wanted:
            if wanted in course.stopped:
                judgement = Judgement(Verdict.STOP, course.stopped[wanted])
                return told(rollout, wanted, None, judgement)
            trial = self._begin(rollout, wanted, caller)
        elif trial.ended and not trial.stopped:
            trial = self._begin(rollout, wanted, caller)
        self._asked[name] = self._clock.monotonic()
        return told(rollout, wanted, trial, self._note_verdict(rollout))

    def count(self, name: str, body: Mapping[str, Any]) -> Answer:
        """Take a reading of counters, and return the verdict after it.

        Raises `UsageError` for an unknown name, for a reading that cannot be used, for one of
        another revision than the present one, and where nothing is counted.
        """
        rollout = self._get(name)
        if not rollout.settings.routes:
            raise UsageError(
                "counts_unused",
                f"The rollout {name} names no routes, so counts have no part in its verdict.",
                hint=f"Write `routes` into [guard.verdicts.rollouts.{name}].",
            )
        reading = read(body)
        trial = self._course(name).trial
        if trial is None or trial.revision != reading.revision:
            now = "none" if trial is None else repr(trial.revision)
            raise UsageError(
                "revision_other",
                f"The counts are of revision {reading.revision[:80]!r}, but the rollout {name} is "
                f"at {now}.",
                hint="A revision begins when its verdict is asked for.",
            )
        found = difference(self._readings.get(name), reading)
        self._readings[name] = reading
        if found is not None:
            self._note(name, record.COUNTED, record.counted_data(found))
        return self._after(rollout)

    def note_run(self, name: str, revision: str, run: JourneyRun) -> None:
        """Note a run of journeys, unless another revision has come meanwhile, or none."""
        trial = self._course(name).trial
        if trial is not None and trial.revision == revision and not trial.ended:
            self._note(name, record.JOURNEYS_RUN, record.run_data(run))
            self._note_verdict(self._get(name))

    def end(self, name: str, revision: object) -> Answer:
        """Note that the rollout of a revision has ended: its journeys stop."""
        rollout, wanted = self._get(name), revision_of(revision)
        trial = self._course(name).trial
        if trial is not None and trial.revision == wanted and not trial.ended:
            self._note(name, record.ENDED, {"revision": wanted})
        return self.show(rollout.name)

    def reset(self, name: str, body: Mapping[str, Any], caller: str) -> Answer:
        """Forget a revision's trial, a stop included; the next question about it begins anew.

        Without a `revision` it is the present one. Raises `UsageError` without a `reason`.
        """
        rollout = self._get(name)
        text = str(body.get("reason") or "").strip()
        if not text:
            raise UsageError(
                "reason_missing",
                "A reset needs a reason, which is kept with it.",
                hint='Post {"reason": "…"}.',
            )
        trial = self._course(name).trial
        wanted = body.get("revision") or (trial.revision if trial else None)
        if wanted is not None:
            said = {"revision": revision_of(wanted), "operator": caller, "reason": text[:1000]}
            self._note(name, record.RESET, said)
            self._readings.pop(name, None)
        return self.show(rollout.name)

    def under_way(self, name: str) -> str | None:
        """Return the revision whose journeys have to run now; None where none has."""
        trial = self._course(name).trial
        quiet = self._clock.monotonic() - self._asked[name]
        if trial is None or trial.ended or trial.stopped:
            return None
        return None if quiet > self._get(name).settings.asked_seconds else trial.revision

    def _begin(self, rollout: Rollout, revision: str, caller: str) -> Trial:
        table = rollout.settings
        terms = Terms(alpha=table.alpha, routes=table.routes, harmless_margin=table.harmless_margin)
        said = {"revision": revision, "terms": asdict(terms), "operator": caller}
        self._note(rollout.name, record.BEGUN, said)
        self._readings.pop(rollout.name, None)
        trial = self._course(rollout.name).trial
        assert trial is not None  # noqa: S101 - it has just begun
        return trial

    def _after(self, rollout: Rollout) -> Answer:
        judgement = self._note_verdict(rollout)
        trial = self._course(rollout.name).trial
        return told(rollout, trial.revision if trial else None, trial, judgement)

    def _note_verdict(self, rollout: Rollout) -> Judgement:
        """Return the verdict as of now, and note it where it has changed."""
        course = self._course(rollout.name)
        assert course.trial is not None  # noqa: S101 - callers have just seen it
        judgement = self._judge(rollout, course.trial)
        if course.told != judgement.verdict.value:
            said = {
                "revision": course.trial.revision,
                "verdict": judgement.verdict.value,
                "reasons": reasons_told(judgement),
            }
            self._note(rollout.name, record.VERDICT, said)
        return judgement

    def _judge(self, rollout: Rollout, trial: Trial) -> Judgement:
        return judge(trial, rollout.settings, rollout.vouching, self._clock.now().timestamp())

    def _note(self, name: str, kind: str, data: Mapping[str, Any]) -> None:
        entry = self._journal.append(kind, name, data)
        self._courses[name] = self._course(name).after(entry)

    def _course(self, name: str) -> Course:
        return self._courses.get(name, Course())

    def _get(self, name: str) -> Rollout:
        if name not in self.rollouts:
            near = difflib.get_close_matches(name, list(self.rollouts), 1)
            raise UsageError(
                "rollout_unknown",
                f"There is no rollout {name[:80]!a}."
                + (f" Did you mean {near[0]}?" if near else ""),
                hint=f"There are: {', '.join(self.rollouts)}.",
            )
        return self.rollouts[name]
