"""Running one drill: a system of its own, users, the fault as a change, and the score."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.population import (
    copy_release,
    create_application,
    create_people,
    plan_traffic,
    release_of,
)
from ostiary.drills.scenarios import SHARE_TOLERANCE, Mode, Scenario
from ostiary.drills.scoring import DrillFacts, Score, harmed, score
from ostiary.drills.system import DrillSystem, running
from ostiary.drills.traffic_plan import invent_people
from ostiary.drills.traffic_process import Traffic, flowing
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SeededRandom

_POLL_SECONDS = 0.1
_CHANGE_SECONDS_MAX = 300.0
_TRAFFIC_SECONDS_MAX = 600.0
_WARM_UP_SECONDS_MAX = 90.0


@dataclass(frozen=True, slots=True)
class DrillOrder:
    """What to run. `from_stage` is where the guard begins to look; None is its first stage."""

    scenario: Scenario
    mode: Mode
    from_stage: str | None
    seed: int


def run_drill(order: DrillOrder, clock: Clock, tell: Callable[[str], None]) -> Score:
    """Run a drill and score it; `tell` gets lines of progress.

    Raises `OstiaryError` where the system or its users cannot be started. A fault that cannot be
    injected makes the run void.
    """
    if order.mode is Mode.ESCAPED:
        raise UsageError(
            "mode_unavailable",
            "The mode `escaped` is not available yet.",
            hint="Use --mode unguarded or --mode guarded.",
        )
    scenario = order.scenario
    tell(f"{scenario.name} ({order.mode}): starting a system of its own, seed {order.seed}")
    with (
        tempfile.TemporaryDirectory(prefix="ostiary-drill-") as directory,
        running(_settings(order.mode)) as system,
    ):
        place = Path(directory)
        guard = system.guard
        people = invent_people(scenario.users, SeededRandom(order.seed))
        create_people(guard, people)
        application = create_application(guard, audience=system.issuer)
        plan = plan_traffic(
            system.issuer,
            application,
            people,
            rate=scenario.rate,
            seconds=_TRAFFIC_SECONDS_MAX,
            seed=order.seed,
        )
        with flowing(plan, place, clock) as traffic:
            tell(f"{scenario.users} users are signing in, {scenario.rate:.0f} a second")
            traffic.wait_for_visits(scenario.visits_before, _WARM_UP_SECONDS_MAX)
            facts = _let_loose(order, system, place, clock, tell)
            _observe(order, traffic)
            ledger = traffic.stop()
    for line in harmed(ledger.entries, facts.fault_at):
        tell(line)
    return score(ledger, facts)


def meets_expectation(result: Score, order: DrillOrder) -> bool:
    """Return whether the run counts and went as a guarded, or an unguarded, system must."""
    if result.void:
        return False
    if order.mode is Mode.UNGUARDED:
        share = result.users_affected / max(result.users_total, 1)
        return abs(share - order.scenario.outage_share) <= SHARE_TOLERANCE
    stopped = result.facts.verdict in {"refused", "rolled_back"}
    return stopped and result.users_affected == 0 and result.wrong_yes == 0


def _let_loose(
    order: DrillOrder,
    system: DrillSystem,
    place: Path,
    clock: Clock,
    tell: Callable[[str], None],
) -> DrillFacts:
    """Propose the faulty release and follow it to its end."""
    release = place / "release"
    last_good = system.guard.get("/status")["last_good"]
    copy_release(system.data, release_of(system.data, last_good), release)
    facts = DrillFacts(
        drill=order.scenario.name,
        mode=order.mode.value,
        from_stage=order.from_stage,
        expected_cause=order.scenario.expected_cause,
    )
    try:
        order.scenario.fault.apply(release)
    except FaultNotInjectableError as problem:
        tell(str(problem))
        return replace(facts, injected=False)
    tell(f"proposing a release with a fault: {order.scenario.fault.description}")
    fault_at = clock.now().timestamp()
    change = system.guard.post("/changes", _proposal(order, release))["change"]
    settled, first_hidden_at = _follow(system, change, clock)
    tell(f"change {change}: {settled['verdict']} in stage {settled['stage']}")
    return replace(
        facts,
        stage=settled["stage"],
        verdict=settled["verdict"],
        fault_at=fault_at,
        first_hidden_at=first_hidden_at,
        hidden=settled["failed_attempts_hidden"],
        rolled_back=settled["verdict"] == "rolled_back",
    )


def _proposal(order: DrillOrder, release: Path) -> dict[str, Any]:
    body: dict[str, Any] = {"releases": {"identity": str(release)}}
    if order.mode is Mode.GUARDED:
        return body | {"from_stage": order.from_stage}
    # Unguarded is what a plain deployment does: everybody gets it, and nobody looks.
    reason = "drill: deployed as without a guard"
    return body | {"from_stage": "bake", "force": True, "reason": reason}


def _follow(system: DrillSystem, change: str, clock: Clock) -> tuple[dict[str, Any], float | None]:
    """Return the settled change, and when its first hidden failure was seen."""
    first_hidden_at = None
    deadline = clock.monotonic() + _CHANGE_SECONDS_MAX
    while True:
        value = system.guard.get(f"/changes/{change}")
        if first_hidden_at is None and value["failed_attempts_hidden"]:
            first_hidden_at = clock.now().timestamp()
        if value["verdict"] is not None:
            return value, first_hidden_at
        if clock.monotonic() > deadline:
            return value, first_hidden_at
        time.sleep(_POLL_SECONDS)


def _observe(order: DrillOrder, traffic: Traffic) -> None:
    traffic.run_on(order.scenario.seconds_after)


def _settings(mode: Mode) -> str:
    """Return the drill's settings: as shipped, but nobody waits for a bake that is not guarded."""
    return "[guard]\nbake_seconds = 0\n" if mode is Mode.UNGUARDED else ""
