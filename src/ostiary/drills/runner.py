"""Running one drill: a system of its own, users, the fault, and the score."""

import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import psycopg

from ostiary.drills.expectation import affected_share, unmet
from ostiary.drills.facts import facts_of
from ostiary.drills.fault_loose import LetLoose, let_loose
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.surroundings import surrounding
from ostiary.drills.joined import joined, others_achieved
from ostiary.drills.ledger import Ledger, Run
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.preparing import first_settings, prepare
from ostiary.drills.recording import Recorder
from ostiary.drills.scenarios.reading import settings_text
from ostiary.drills.scoring import Score, harmed, score
from ostiary.drills.system import end_in_order_on_sigterm, running
from ostiary.drills.traffic_process import flowing
from ostiary.drills.void_rules import require_well
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.ids import SeededRandom

_WARM_UP_SECONDS_MAX: Final = 90.0
_PROBLEMS: Final = (
    OstiaryError,
    OSError,
    subprocess.SubprocessError,
    sqlite3.Error,
    psycopg.Error,
)
"""What can go wrong with a system, its users and its faults: such a run is void."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill as it was run: its score, and what a report tells besides."""

    order: DrillOrder
    score: Score
    ledger: Ledger
    recorder: Recorder
    change: dict[str, Any] | None = None
    unmet: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `drill run`, with the outage's own figures beside ours."""
        content = self.order.scenario.content
        outage = content.outage
        return self.score.to_json() | {
            "title": content.title,
            "affected_share": round(affected_share(self.score, self.order), 4),
            "counted": content.expected.counted,
            "injected": [each.kind for each in content.fault.inject],
            "outage": None
            if outage is None
            else {"users_hit": outage.users_hit, "minutes": outage.minutes},
            "met": not self.unmet,
            "unmet": self.unmet,
        }


def run_drill(order: DrillOrder, clock: Clock, tell: Callable[[str], None]) -> Drill:
    """Run a drill and score it; `tell` gets lines of progress.

    Raises `UsageError` for a mode that there is not. A system, users or a fault that do not come
    about make the run void.
    """
    if order.mode is Mode.ESCAPED:
        raise UsageError(
            "mode_unavailable",
            "The mode `escaped` is not available yet.",
            hint="Use --mode unguarded or --mode guarded.",
        )
    name = order.scenario.name
    recorder = Recorder(clock, lambda line: tell(f"{name} ({order.way}): {line}"))
    recorder.note(f"Starting a system of its own, seed {order.seed}.")
    try:
        loose, ledger = _run(order, recorder)
    except _PROBLEMS as problem:
        # One drill that cannot be run to its end must not take the others of the run along.
        recorder.note(str(problem))
        loose = LetLoose(replace(facts_of(order), failure=str(problem)))
        ledger = _nobody_came(order)
    for line in harmed(ledger.entries, loose.facts.fault_at):
        recorder.tell(line)
    result = score(ledger, loose.facts)
    return Drill(order, result, ledger, recorder, loose.change, unmet(result, order))


def _run(order: DrillOrder, recorder: Recorder) -> tuple[LetLoose, Ledger]:
    end_in_order_on_sigterm()
    with (
        tempfile.TemporaryDirectory(prefix="ostiary-drill-") as name,
        surrounding(order, Path(name)) as surroundings,
        running(settings_text(first_settings(order)), surroundings.arguments) as system,
    ):
        directory, clock = Path(name), recorder.clock
        plan = prepare(order, system, directory, clock)
        rng = SeededRandom(order.seed)
        return _among_users(
            InjectionPlace(system, order, directory, plan, recorder, clock, rng, surroundings)
        )


def _among_users(place: InjectionPlace) -> tuple[LetLoose, Ledger]:
    """Send users, let the fault loose among them, and return what came of it."""
    traffic_of, plan = place.order.scenario.content.traffic, place.plan
    recorder = place.recorder
    with (
        # Whatever stands still goes on only once the users have left.
        ExitStack() as until,
        recorder.reading_loads(place.system.data),
        flowing(plan, place.directory, place.clock) as traffic,
    ):
        recorder.note(f"{len(plan.people)} users sign in, {plan.rate:g} visits a second.")
        traffic.wait_for_visits(traffic_of.visits_before, _WARM_UP_SECONDS_MAX)
        require_well(traffic.entries())
        loose = let_loose(place, until)
        traffic.run_on(traffic_of.seconds_after)
        recorder.note("The users leave.")
        others = recorder.others
        loose.facts = replace(loose.facts, others_achieved=others_achieved(others))
        return loose, joined(traffic.stop(), others)


def _nobody_came(order: DrillOrder) -> Ledger:
    run = Run(0.0, order.scenario.content.traffic.rate, 0.0, order.seed, 0)
    return Ledger(run, (), None)
