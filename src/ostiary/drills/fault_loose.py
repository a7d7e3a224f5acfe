"""Letting the fault of a drill loose: as a change, past the guard, or injected for a while."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ostiary.drills.facts import DrillFacts, facts_of
from ostiary.drills.faults import FaultNotInjectableError, apply_edits
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.registry import injected
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder
from ostiary.drills.plain_balancer import guard_pid, spread_plainly, stopped
from ostiary.drills.preparing import copy_serving
from ostiary.drills.recording import Recorder
from ostiary.drills.scenarios.fault import FaultKind
from ostiary.drills.scenarios.reading import merged, settings_text
from ostiary.drills.system import DrillSystem

_POLL_SECONDS: Final = 0.1
_CHANGE_SECONDS_MAX: Final = 660.0
"""Without a decision a change is held after ten minutes."""

Change = dict[str, Any]


@dataclass
class LetLoose:
    """What came of it: facts for the score, and the settled change, None where there was none."""

    facts: DrillFacts
    change: Change | None = None


@dataclass
class _Watched:
    """What was seen of a change while it was followed."""

    place: tuple[object, ...] = ()
    first_hidden_at: float | None = None


def let_loose(place: InjectionPlace, until: ExitStack) -> LetLoose:
    """Let the fault loose and follow it to where it ends.

    What has to be undone before the system can stop is handed to `until`. A fault that cannot be
    injected is in the facts, with the reason told.
    """
    order, system, recorder = place.order, place.system, place.recorder
    facts = facts_of(order)
    try:
        if order.injects:
            return _injected(place, facts, until)
        if order.passes_by_guard:
            return _past_the_guard(order, system, facts, recorder, until)
        body = _proposal(order, system, place.directory)
    except FaultNotInjectableError as problem:
        recorder.note(str(problem))
        return LetLoose(replace(facts, injected=False))
    return _as_change(system, body, facts, recorder, order.scenario.content.fault.description)


def _injected(place: InjectionPlace, facts: DrillFacts, until: ExitStack) -> LetLoose:
    """Inject faults for their time; without a guard, one that stands still."""
    fault, recorder = place.order.scenario.content.fault, place.recorder
    if place.order.mode is Mode.UNGUARDED:
        until.enter_context(stopped(guard_pid(place.system)))
    fault_at = recorder.note(f"A fault is injected: {fault.description}", "fault")
    with injected(place, fault.inject):
        effect_at = recorder.note(f"It is in effect, for {fault.seconds:g} s.")
        time.sleep(fault.seconds)
        removed_at = recorder.note("Now it is removed.", "removed")
    return LetLoose(replace(facts, fault_at=fault_at, effect_at=effect_at, removed_at=removed_at))


def _past_the_guard(
    order: DrillOrder,
    system: DrillSystem,
    facts: DrillFacts,
    recorder: Recorder,
    until: ExitStack,
) -> LetLoose:
    fault = order.scenario.content.fault
    until.enter_context(stopped(guard_pid(system)))
    fault_at = recorder.note(f"The edge's settings change: {fault.description}", "fault")
    spread_plainly(system.data / "edge", fault.settings["edge"])
    return LetLoose(replace(facts, fault_at=fault_at))


def _proposal(order: DrillOrder, system: DrillSystem, place: Path) -> dict[str, Any]:
    """Return what is proposed; raises `FaultNotInjectableError` where the fault does not fit."""
    fault = order.scenario.content.fault
    body: dict[str, Any] = {}
    if fault.kind is FaultKind.RELEASE:
        release = place / "release"
        copy_serving(system, fault.service, release)
        apply_edits(fault.edits, release)
        body["releases"] = {fault.service: str(release)}
    else:
        settings = place / "proposed.toml"
        tables = merged(order.scenario.faulty_settings(), order.guard_settings())
        settings.write_text(settings_text(tables))
        body["config"] = str(settings)
    if order.mode is Mode.GUARDED:
        return body | {"from_stage": order.from_stage}
    # Unguarded is what a plain deployment does: everybody gets it, and nobody looks.
    reason = "drill: deployed as without a guard"
    return body | {"from_stage": "bake", "force": True, "reason": reason}


def _as_change(
    system: DrillSystem,
    body: dict[str, Any],
    facts: DrillFacts,
    recorder: Recorder,
    description: str,
) -> LetLoose:
    fault_at = recorder.note(f"A change is proposed: {description}", "fault")
    change = str(system.guard.post("/changes", body)["change"])
    seen = _follow(system, change, recorder)
    settled = system.guard.get(f"/changes/{change}")
    verdict = (settled["verdict"] or "no verdict").replace("_", " ")
    stage = settled["stage"]
    recorder.note(f"Change {change} has ended: {verdict} in stage {stage}.", verdict)
    return LetLoose(
        replace(
            facts,
            stage=stage,
            verdict=settled["verdict"],
            fault_at=fault_at,
            first_hidden_at=seen.first_hidden_at,
            hidden=settled["failed_attempts_hidden"],
            rolled_back=settled["verdict"] == "rolled_back",
            reasons=tuple((each["code"], each["text"]) for each in settled["reasons"]),
        ),
        settled,
    )


def _follow(system: DrillSystem, change: str, recorder: Recorder) -> _Watched:
    """Follow a change to its end, or for as long as a drill may last."""
    seen = _Watched()
    deadline = recorder.clock.monotonic() + _CHANGE_SECONDS_MAX
    while recorder.clock.monotonic() < deadline:
        value = system.guard.get(f"/changes/{change}")
        _look(seen, value, recorder)
        if value["verdict"] is not None:
            break
        time.sleep(_POLL_SECONDS)
    return seen


def _look(seen: _Watched, value: Change, recorder: Recorder) -> None:
    share = value["share"]
    if seen.first_hidden_at is None and value["failed_attempts_hidden"]:
        seen.first_hidden_at = recorder.note("The first failure was hidden from a user.")
    place = (value["stage"], share)
    if place != seen.place and value["verdict"] is None:
        had_share = seen.place[1:] not in ((), (None,))
        was_withdrawn = had_share and share is None and value["stage"] in {"canary", "bake"}
        seen.place = place
        words = "" if share is None else f", share {share:.0%}"
        words = ", withdrawn" if was_withdrawn else words
        mark = "" if share is None else f"{share:.0%}"
        recorder.note(f"Stage {value['stage']}{words}.", mark)
