"""Beginning a change: it is journalled with everything that is known of it, then conducted."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.difference import Difference
from ostiary.changes.kinds import FLAGS_ALONE, kinds_of
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.proposal import beginning
from ostiary.changes.service_change import services_of_change
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.changes.terms import NO_TERMS, Terms
from ostiary.changes.tightening_flags import intended_refusals
from ostiary.guard import history
from ostiary.guard.parts import GuardParts
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import Random, new_id
from ostiary.kernel.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a change is to go: where it starts, how fast, and on which terms.

    `from_stage` is None where nobody has named one.
    """

    pacing: Pacing
    from_stage: Stage | None = None
    force_reason: str | None = None
    terms: Terms = NO_TERMS
    approval: Approval = NO_APPROVAL
    problems: tuple[Problem, ...] = ()


class ChangeStarts:
    """Starts changes, one at a time."""

    def __init__(self, parts: GuardParts, rng: Random) -> None:
        self._parts = parts
        self._rng = rng

    def require_none_under_way(self) -> None:
        """Raise `RefusedError` while a change is under way."""
        running = self._parts.conductor.brief()
        if running is not None:
            raise RefusedError(
                "change_running",
                f"Change {running['change']} is under way, in stage {running['stage']}.",
                hint="Wait for its end, or end it with `ostiary change rollback`.",
            )

    def start(
        self,
        snapshot: Snapshot,
        request: dict[str, Any],
        differs: Difference,
        plan: Plan,
        *,
        operator: str,
    ) -> str:
        """Journal a change and begin it at the pace of what it touches; return its id."""
        parts = self._parts
        served = parts.snapshots.get(parts.plane.last_good)
        kinds = kinds_of(served, snapshot)
        is_forced = plan.force_reason is not None
        stage = beginning(plan.from_stage, kinds, is_forced=is_forced)
        services = services_of_change(snapshot, served)
        if not plan.terms.restores and not services:
            parts.trials.begin(stage, flips=kinds == FLAGS_ALONE, in_haste=is_forced)
        change = new_id("c", self._rng)
        data = {
            "snapshot": snapshot.id,
            "from_snapshot": served.id,
            "kinds": [kind.value for kind in kinds],
            "request": request,
            "from_stage": stage.value,
            "difference": asdict(differs),
            "operator": operator,
        }
        parts.journal.append(history.CHANGE_PROPOSED, change, data)
        parts.check.expect(change, plan.problems)
        parts.conductor.start(
            change,
            snapshot,
            stage,
            plan.pacing.at_pace_of(kinds),
            force_reason=plan.force_reason,
            terms=_with_what_settings_intend(plan.terms, served, snapshot),
            approval=plan.approval,
            services=services,
        )
        return change


def _with_what_settings_intend(terms: Terms, before: Snapshot, after: Snapshot) -> Terms:
    """Return the terms with the refusals that the settings themselves say are meant."""
    settings = map(SnapshotSettings.from_snapshot, (before.settings, after.settings))
    meant = {*terms.intended, *intended_refusals(*settings)}
    return replace(terms, intended=tuple(sorted(meant)))
